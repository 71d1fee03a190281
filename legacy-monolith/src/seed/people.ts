import type { Db } from '../database.ts';
import { hashPassword } from '../users/password.ts';

/** Everybody seeded has this password: hashing ten thousand would take minutes. */
export const SEED_PASSWORD = 'correct horse';

const SALT = Buffer.from('fig and sons salt');

/** Users 1 to `count`, `user1@example.test` and so on. */
export async function seedPeople(trx: Db, count: number): Promise<void> {
  await trx.raw(
    `insert into shop.users (id, email, password_hash, name, created_at)
     select n, 'user' || n || '@example.test', ?,
            (array['Ada','Björn','Chiara','Dmitri','Eloïse','Farah','Goran','Hoa','Íris','João'])[1 + n % 10] || ' ' ||
            (array['Fischer','O''Neill','van Dijk','Müller & Co','<Ñandú>','Åberg','Kim'])[1 + n % 7],
            timestamptz '2023-06-01 08:00:00Z' + n * 1234567891 * interval '1 microsecond'
       from generate_series(1, ?::bigint) n`,
    [await hashPassword(SEED_PASSWORD, SALT), count],
  );
  await trx.raw("select setval('shop.users_id_seq', ?)", [count]);
}
