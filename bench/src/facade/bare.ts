import http from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { z } from 'zod';
import { answerCalls } from '../child.ts';
import { agentSettings, cpuMicros } from './proxy.ts';

/** What one would write without the toolkit: http-proxy-middleware on express, over kept connections. */
const app = express();

answerCalls({
  listen: async (argument) => {
    const { upstream } = z.object({ upstream: z.url() }).parse(argument);
    app.use(createProxyMiddleware({ target: upstream, agent: new http.Agent(agentSettings) }));
    const server = http.createServer({ keepAliveTimeout: 65_000 }, app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  },
  cpu: cpuMicros,
});
