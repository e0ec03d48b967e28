// table shows rows, and touches only what is different: what somebody has selected or listens to stays. Data is text.

// fill makes the body's rows what rows says: [{ key, cells: [{ label, content, kind }] }], the content text or an
// element, the kind a class. The first cell names its row.
export function fill(body, rows) {
  const old = new Map([...body.rows].map((tr) => [tr.dataset.key, tr]));
  rows.forEach((row, i) => {
    const made = build(row), known = old.get(row.key);
    old.delete(row.key);
    if (known) [...made.cells].forEach((cell, n) => { if (!cell.isEqualNode(known.cells[n])) known.cells[n].replaceWith(cell); });
    const tr = known ?? made;
    if (body.rows[i] !== tr) body.insertBefore(tr, body.rows[i] ?? null);
  });
  for (const tr of old.values()) tr.remove();
}

// Roles are said outright: on a narrow screen rows are laid out as cards, and a browser may then take them for no table.
function build({ key, cells }) {
  const tr = element('tr');
  tr.dataset.key = key;
  tr.setAttribute('role', 'row');
  cells.forEach(({ label, content, kind = '' }, i) => {
    const cell = element(i === 0 ? 'th' : 'td', kind);
    cell.setAttribute('role', i === 0 ? 'rowheader' : 'cell');
    if (i === 0) cell.scope = 'row';
    cell.dataset.label = label;
    cell.append(content instanceof Node ? content : element('span', content === '' ? 'none' : '', content === '' ? '–' : content));
    tr.append(cell);
  });
  return tr;
}

export function element(name, kind = '', text = '') {
  const e = document.createElement(name);
  if (kind) e.className = kind;
  e.textContent = text;
  return e;
}

// bar is a share of most, with a mark at what it should be. It says nothing that numbers beside it do not.
export function bar(value, mark, most) {
  const svg = shape('svg', { viewBox: `0 0 ${most} 10`, preserveAspectRatio: 'none', class: 'bar', 'aria-hidden': 'true' });
  svg.append(
    shape('rect', { width: most, height: 10, class: 'bar-all' }),
    shape('rect', { width: Math.min(value, most), height: 10, class: 'bar-held' }),
  );
  if (mark > 0) svg.append(shape('line', { x1: mark, x2: mark, y1: 0, y2: 10, class: 'bar-mark' }));
  return svg;
}

function shape(name, attributes) {
  const e = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  return e;
}
