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
