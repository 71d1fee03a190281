/** An element of PostgreSQL's array text: a value, null, or an inner array. */
export type Element = string | null | readonly Element[];

/** Reads `{a,NULL,"b c"}` and deeper; bounds (`[0:1]={…}`) are left out, as Debezium leaves them out. */
export function parseArray(text: string): readonly Element[] {
  const start = text.indexOf('{');
  const [elements, end] = arrayAt(text, start);
  if (start < 0 || end !== text.length) throw new SyntaxError(`no array: ${text.slice(0, 50)}`);
  return elements;
}

function arrayAt(text: string, start: number): [Element[], number] {
  const elements: Element[] = [];
  let at = start + 1;
  if (text[at] === '}') return [elements, at + 1];
  for (;;) {
    const [element, end] = elementAt(text, at);
    elements.push(element);
    if (text[end] === '}') return [elements, end + 1];
    if (text[end] !== ',') throw new SyntaxError(`an array without an end: ${text.slice(0, 50)}`);
    at = end + 1;
  }
}

function elementAt(text: string, start: number): [Element, number] {
  if (text[start] === '{') return arrayAt(text, start);
  if (text[start] === '"') return quotedAt(text, start);
  const bare = /[^,}]*/y;
  bare.lastIndex = start;
  const found = bare.exec(text)?.[0] ?? '';
  return [found === 'NULL' ? null : found.replaceAll(/\\(.)/g, '$1'), start + found.length];
}

/** A quoted text with backslashes, as in arrays and in hstore; returns it and where it ends. */
export function quotedAt(text: string, start: number): [string, number] {
  const quoted = /"((?:[^"\\]|\\[\s\S])*)"/y;
  quoted.lastIndex = start;
  const found = quoted.exec(text);
  if (!found) throw new SyntaxError(`no quoted text: ${text.slice(start, start + 50)}`);
  return [(found[1] ?? '').replaceAll(/\\([\s\S])/g, '$1'), quoted.lastIndex];
}
