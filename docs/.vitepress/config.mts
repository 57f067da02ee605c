import { defineConfig } from 'vitepress';
import { mermaidBlocks } from './mermaid';
import { sectionsOf } from './sidebar';
import { slugOf } from './slug';

const DOCS = new URL('..', import.meta.url).pathname;

// No font, script or picture comes from another host, and no address of one is in the pages but as a link.
export default defineConfig({
  title: 'usher',
  description: 'Recognises members at a door and opens it over MQTT',
  lang: 'en-GB',
  // Works from any folder of a web server; each page is a file of its own.
  base: './',
  cleanUrls: false,
  lastUpdated: false,
  // The check of links in the test suite covers every document, also those outside this folder.
  ignoreDeadLinks: [
    /^(\.\.?\/)+(README|CONTRIBUTING|SECURITY|CHANGELOG|LICENSE|device-config|models|src|test|scripts|systemd)/,
  ],
  srcExclude: ['node_modules/**'],
  markdown: {
    anchor: { slugify: slugOf },
    config: mermaidBlocks,
  },
  themeConfig: {
    sidebar: sectionsOf(DOCS),
    outline: [2, 3],
    search: { provider: 'local' },
    nav: [],
  },
});
