import { WHOLE_FLEET } from '../../../fleet/release';
import type { TopicBase } from '../../../mqtt/topics/topic-names';

/** Every topic that a user of the access rules may write, with the names of one box for the wildcards. */
export function writableTopics(acl: string, user: string, { site, device }: TopicBase): string[] {
  const [, section = ''] = new RegExp(`^user ${user}$([\\s\\S]*?)(?=^user |(?![\\s\\S]))`, 'm').exec(acl) ?? [];
  return [...section.matchAll(/^topic (?:write|readwrite) (\S+)$/gm)].map(([, filter = '']) => {
    const parts = filter.split('/');
    // usher/v1/{site}/{device}/…, or usher/v1/fleet/{group}/…
    const own = parts[2] !== 'fleet';
    if (own) parts[2] = site;
    let wildcards = 0;
    return parts.map((part) => (part !== '+' ? part : wildcards++ > 0 ? 'x' : own ? device : WHOLE_FLEET)).join('/');
  });
}
