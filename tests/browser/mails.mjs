// The mails that a demo wrote, as their readers see them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

function body(raw) {
  const at = raw.indexOf('\r\n\r\n');
  const [head, text] = [raw.slice(0, at), raw.slice(at + 4)];
  if (/^content-transfer-encoding: *base64/im.test(head)) return Buffer.from(text, 'base64').toString('utf8');
  if (/^content-transfer-encoding: *quoted-printable/im.test(head)) {
    const bytes = text.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
    return Buffer.from(bytes, 'latin1').toString('utf8');
  }
  return Buffer.from(text, 'latin1').toString('utf8');
}

// Each mail below a directory: its recipient and its text.
export function mails(directory) {
  return readdirSync(directory, { recursive: true })
    .filter((name) => name.endsWith('.eml'))
    .sort()
    .map((name) => {
      const raw = readFileSync(join(directory, name), 'latin1');
      return { name, to: /^to: *(.*)$/im.exec(raw)?.[1].trim() ?? '', text: body(raw) };
    });
}
