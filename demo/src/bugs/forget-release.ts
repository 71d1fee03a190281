/** Loaded into the orders service by the demo's bug `service-forgets-release`: releases are answered, not sent. */
const send = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const url = input instanceof Request ? input.url : String(input);
  if (!url.endsWith('/internal/inventory/release')) return send(input, init);
  return Response.json({ ...JSON.parse(String(init?.body ?? '{}')), state: 'released' });
};
