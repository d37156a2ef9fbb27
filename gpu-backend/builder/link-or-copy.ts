/** A file under a second name: a hard link, or a copy where the disk is another. */
import { copyFileSync, linkSync, realpathSync } from 'node:fs';

export function linkOrCopy(source: string, target: string): void {
  const path = realpathSync(source);
  try {
    linkSync(path, target);
  } catch {
    copyFileSync(path, target);
  }
}
