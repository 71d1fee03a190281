import { expect, test } from 'vitest';
import { hashPassword, verifyPassword } from './password.ts';

test('knows the right password by its hash, and a hash by nothing', async () => {
  const hash = await hashPassword('correct horse');
  expect(hash).not.toContain('correct');
  expect(await hashPassword('correct horse')).not.toBe(hash);
  expect(await verifyPassword('correct horse', hash)).toBe(true);
  expect(await verifyPassword('correct house', hash)).toBe(false);
  expect(await verifyPassword('correct horse', undefined)).toBe(false);
  await expect(verifyPassword('correct horse', 'md5$deadbeef')).rejects.toThrow('another scheme');
});
