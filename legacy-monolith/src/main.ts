import { readShopSettings } from './settings.ts';
import { startShop } from './shop.ts';

const shop = await startShop(readShopSettings(process.env));
process.stdout.write(`${JSON.stringify({ listening: shop.port })}\n`);

let stopping = false;
const stop = () => {
  if (stopping) return;
  stopping = true;
  shop.stop().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
