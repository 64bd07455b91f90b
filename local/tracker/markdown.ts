// As much markdown as comments of programs use, made into HTML. Everything is escaped first, so no text of an item
// or a comment can become markup of its own.
import { escapeHtml } from '../httpServer.js';

/** Paragraphs, headings, lists, fenced and inline code, bold and http(s) links; HTML comments are hidden. */
export function renderMarkdown(source: string): string {
  // GitHub hides HTML comments too; programs mark their comments with them.
  const lines = source.replaceAll(/<!--[\s\S]*?-->/g, '').split(/\r?\n/);
  const html: string[] = [];
  let paragraph: string[] = [];
  let list: string[] = [];
  const flush = (): void => {
    if (paragraph.length > 0) html.push(`<p>${paragraph.map(inline).join('<br>')}</p>`);
    if (list.length > 0) html.push(`<ul>${list.map((item) => `<li>${inline(item)}</li>`).join('')}</ul>`);
    paragraph = [];
    list = [];
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const fence = /^(`{3,}|~{3,})/.exec(line)?.[1];
    const heading = /^#{1,6}\s+(.*)$/.exec(line)?.[1];
    const item = /^\s*[-*]\s+(.*)$/.exec(line)?.[1];
    if (fence !== undefined) {
      flush();
      const end = lines.findIndex((candidate, index) => index > at && candidate.startsWith(fence));
      const last = end < 0 ? lines.length : end;
      html.push(`<pre><code>${escapeHtml(lines.slice(at + 1, last).join('\n'))}</code></pre>`);
      at = last;
    } else if (heading !== undefined) {
      flush();
      html.push(`<p><strong>${inline(heading)}</strong></p>`);
    } else if (item !== undefined) {
      if (paragraph.length > 0) flush();
      list.push(item);
    } else if (line.trim() === '') {
      flush();
    } else {
      if (list.length > 0) flush();
      paragraph.push(line);
    }
  }
  flush();
  return html.join('\n');
}

const CODE = /(`+)(.+?)\1/;
const LINK = /\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)/g;

function inline(text: string): string {
  // Code first: nothing inside it is markdown.
  const code = CODE.exec(text);
  if (!code) return spans(text);
  const before = text.slice(0, code.index);
  const after = text.slice(code.index + code[0].length);
  return `${spans(before)}<code>${escapeHtml((code[2] ?? '').trim())}</code>${inline(after)}`;
}

const spans = (text: string): string =>
  escapeHtml(text)
    .replaceAll(LINK, '<a href="$2" rel="noreferrer">$1</a>')
    .replaceAll(/\*\*(.+?)\*\*/g, '<strong>$1</strong>');
