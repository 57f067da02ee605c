import { posix } from 'node:path';
import type { MarkdownRenderer } from 'vitepress';

/** Turns a fenced block `mermaid` into the component that draws it; the text travels encoded, so that Vue leaves it alone. */
export function mermaidBlocks(markdown: MarkdownRenderer): void {
  const fence = markdown.renderer.rules.fence;
  markdown.renderer.rules.fence = (tokens, index, ...rest) => {
    const token = tokens[index];
    if (token?.info.trim() === 'mermaid') return `<MermaidDiagram code="${encodeURIComponent(token.content)}" />`;
    return fence?.(tokens, index, ...rest) ?? '';
  };
}

/**
 * A link to a file of the project outside the documents (a configuration, CONTRIBUTING.md) leads nowhere on the site: its text stays,
 * with the path as a tooltip. In a checkout the link works, and the test suite holds it to the file.
 */
export function linksOutside(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('links-outside', ({ tokens, env }) => {
    const page = posix.dirname((env as { relativePath?: string }).relativePath ?? '');
    for (const { children } of tokens) {
      let outside = false;
      for (const token of children ?? []) {
        const href = token.type === 'link_open' ? (token.attrGet('href') ?? '') : '';
        if (token.type === 'link_open') outside = posix.join(page, href).startsWith('..');
        if (!outside || !token.type.startsWith('link_')) continue;
        token.tag = 'span';
        token.type = token.type.replace('link', 'outside');
        if (token.type === 'outside_open') token.attrs = [['title', posix.join('docs', page, href)]];
      }
    }
  });
}
