/** Whether an upstream could understand this path differently from its letters: it might resolve, decode or cut it. */
function isAmbiguous(path: string): boolean {
  return (
    path.includes('%') ||
    path.includes('//') ||
    path.includes('/.') ||
    path.includes(';') ||
    path.includes('\\')
  );
}

/** The path of a request target, without query and fragment; of `http://host/path` only the path. */
export function pathOf(target: string): string {
  const end = target.search(/[?#]/);
  const path = end === -1 ? target : target.slice(0, end);
  if (path.startsWith('/')) return path;
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/[^/]*(.*)$/i.exec(path);
  return absolute ? absolute[1] || '/' : `/${path}`;
}

/**
 * What an upstream at its most obliging would make of a path: percent-encoding decoded, backslashes turned, matrix
 * parameters cut, doubled slashes joined, dot segments resolved. Normalising twice gives the same.
 */
export function normalise(path: string): string {
  if (!isAmbiguous(path)) return path;
  const plain = decodeFully(path)
    .replaceAll('\\', '/')
    .replaceAll(/;[^/]*/g, '');
  const segments: string[] = [];
  for (const segment of plain.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  const trailing = segments.length > 0 && /\/\.{0,2}$/.test(plain) ? '/' : '';
  return `/${segments.join('/')}${trailing}`;
}

/** Decodes again and again, as a chain of servers would; what is no valid encoding stays. */
function decodeFully(path: string): string {
  let before = path;
  for (;;) {
    const after = before.replaceAll(/(?:%[0-9a-f]{2})+/gi, (encoded) => {
      try {
        return decodeURIComponent(encoded);
      } catch {
        return encoded;
      }
    });
    if (after === before) return after;
    before = after;
  }
}
