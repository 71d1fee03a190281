import { defineConfig, env } from '@strangler/config';

// Who reads the slots: `embedded` needs nothing more, `debezium` needs KAFKA_BROKERS and CONNECT_URL. Another value is
// refused when this file is checked.
const engine = env('STRANGLER_ENGINE', 'embedded') as 'embedded' | 'debezium';
const kafka = process.env['KAFKA_BROKERS'];

/** The shop's migration: what leaves the monolith, how its tables map, and what may take how long. */
export default defineConfig({
  environment: env('STRANGLER_ENVIRONMENT', 'shop'),
  monolith: { url: env('MONOLITH_URL'), database: env('MONOLITH_DATABASE_URL') },
  flags: { unleash: env('UNLEASH_URL'), token: env('UNLEASH_TOKEN') },
  ...(kafka ? { grown: { kafka: kafka.split(','), connect: env('CONNECT_URL') } } : {}),
  extractions: {
    orders: {
      service: { url: env('ORDERS_URL'), database: env('ORDERS_DATABASE_URL') },
      client: { jwt: 'sub' },
      engine,
      // `tags` is a list, never a matrix: Debezium carries only those.
      plainArrays: true,
      routes: {
        create: 'POST /api/orders',
        get: 'GET /api/orders/:id',
        list: 'GET /api/orders',
        cancel: 'POST /api/orders/:id/cancel',
        callback: 'POST /api/payments/callback',
      },
      readers: [
        'GET /api/orders/:id/invoice',
        'GET /account',
        'GET /orders/:id',
        { match: 'GET /api/reports/sales', late: 'serve' },
      ],
      tables: {
        'shop.orders': {
          to: 'orders.customer_order',
          columns: {
            id: { to: 'order_id' },
            user_id: { to: 'customer_id' },
            status: { to: 'state', from: 'status::text', back: 'state::order_status' },
            total: {
              to: 'total_cents',
              from: '(total * 100)::bigint',
              back: '(total_cents / 100.0)::numeric(12,2)',
            },
            currency: { from: 'currency::text', back: 'currency::char(3)' },
            shipping_address: { to: 'ship_to' },
            tags: { to: 'labels' },
            public_ref: { to: 'external_ref' },
            gift_message: { to: 'message' },
            legacy_notes: { omit: true },
            created_at: { to: 'placed_at' },
            updated_at: { to: 'changed_at' },
          },
        },
        'shop.order_items': {
          to: 'orders.order_line',
          columns: {
            id: { to: 'line_id' },
            line_no: { to: 'position' },
            unit_price: {
              to: 'unit_price_cents',
              from: '(unit_price * 100)::bigint',
              back: '(unit_price_cents / 100.0)::numeric(12,2)',
            },
          },
        },
        'shop.order_idempotency': {
          to: 'orders.request_key',
          columns: {
            user_id: { to: 'customer_id' },
            key: { to: 'request_key' },
            request_hash: { to: 'fingerprint' },
            response_status: { to: 'http_status' },
            response: { to: 'answer' },
          },
        },
      },
      unfinished: { service: "SELECT count(*) FROM orders.saga WHERE state NOT IN ('done', 'compensated')" },
      parity: {
        requests: [
          'GET /api/orders?limit=20',
          'GET /api/orders?limit=100',
          'GET /api/orders?limit=101',
          'GET /api/orders/1',
          'GET /api/orders/999999999',
        ],
        // Tokens of a few customers whose answers are compared.
        clients: env('PARITY_TOKENS', 'none')
          .split(',')
          .map((token) => ({ authorization: `Bearer ${token}` })),
      },
      limits: {
        lag: '2s',
        drain: '1s',
        fence: '2s',
        hold: '6s',
        wal: '10GB',
        // A write is under way for a tenth of a second and more then; with less patience its client's next read,
        // and with it most of a busy client's reads, would go to the owner.
        ...(engine === 'debezium' ? { ownWrite: '500ms' } : {}),
      },
    },
  },
  routes: {
    quote: { match: 'GET /api/shipping/quote', service: env('ORDERS_URL') },
  },
});
