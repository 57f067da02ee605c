/** Longest line of a page, as the check of the documents asks. */
const WIDTH = 120;

/** Breaks prose at spaces; what stands between backquotes stays in one piece. */
export function wrapped(text: string, indent = ''): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.match(/(?:`[^`]*`|\S)+/g) ?? []) {
    const longer = /(^|\s)$/.test(line) ? line + word : `${line} ${word}`;
    if (longer.length > WIDTH && line !== indent) {
      lines.push(line);
      line = ' '.repeat(indent.length) + word;
    } else line = longer;
  }
  return [...lines, line].join('\n');
}

/** An item of a list, its first line after a dash. */
export function item(text: string, depth = 0): string {
  return wrapped(text, `${'  '.repeat(depth)}- `);
}

/** A table without padding: one changed cell changes one line. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** What Vue would take for an element or a template in VitePress. */
export function escaped(text: string): string {
  return text.replace(/<(?=[a-zA-Z/])/g, '&lt;').replace(/\{\{/g, '&#123;&#123;');
}

/** The head of every generated page. */
export function generatedPage(title: string, intro: string, sections: readonly string[]): string {
  const note = '<!-- Generated: npm run reference. A test holds it to the code. -->';
  return `${[`# ${title}`, note, wrapped(intro), ...sections].join('\n\n')}\n`;
}
