import { defineConfig } from 'vitepress';
import { linksOutside, mermaidBlocks } from './markdown';
import { navigationOf, sectionsOf } from './sidebar';
import { slugOf } from './slug';

const sections = sectionsOf(new URL('..', import.meta.url).pathname);
const base = process.env['DOCS_BASE'] ?? '/';

// No font, script or picture comes from another host, and no address of one is in the pages but as a link.
export default defineConfig({
  title: 'usher',
  description: 'Recognises members at a door and opens it over MQTT',
  lang: 'en-GB',
  // The folder of the web server in which the site lies, with a slash at both ends.
  base,
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: `${base}icon.svg` }]],
  markdown: {
    anchor: { slugify: slugOf },
    config: (markdown) => {
      mermaidBlocks(markdown);
      linksOutside(markdown);
    },
  },
  themeConfig: {
    sidebar: sections,
    outline: [2, 3],
    search: { provider: 'local' },
    nav: navigationOf(sections),
  },
});
