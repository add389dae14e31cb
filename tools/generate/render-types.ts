/** Renders the TypeScript interfaces of all models: deep readonly, documented, unknown where Kubernetes takes anything. */
import { localName, type Model } from './models.js';

function tsType(type: string, format: string): string {
  if (format === 'int-or-string') return 'number | string';
  if (type === 'Date' || format === 'date-time-micro') return 'string';
  if (type === 'any') return 'unknown';
  if (['string', 'number', 'boolean'].includes(type)) return type;
  const array = /^Array<(.+)>$/.exec(type);
  if (array?.[1] !== undefined) {
    const inner = tsType(array[1], format);
    return `readonly ${/\W/.test(inner) ? `(${inner})` : inner}[]`;
  }
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type);
  if (map?.[1] !== undefined) return `Readonly<Record<string, ${tsType(map[1], format)}>>`;
  return localName(type);
}

function renderInterface(name: string, model: Model): string {
  const lines = Object.entries(model.properties).map(([key, p]) => {
    const type = tsType(p.type, p.format ?? '');
    const comment = p.doc === '' ? '' : `  /** ${p.doc.replaceAll('*/', '* /')} */\n`;
    return `${comment}  readonly ${JSON.stringify(key)}${p.required ? '' : '?'}: ${type}${p.required ? '' : ' | undefined'};`;
  });
  return `/** ${model.doc.replaceAll('*/', '* /')} */\nexport interface ${localName(name)} {\n${lines.join('\n')}\n}\n`;
}

export function renderTypes(models: ReadonlyMap<string, Model>): string {
  return [...models].map(([name, model]) => renderInterface(name, model)).join('\n');
}
