// A chart by the gateway, with Node's own fetch: node chart.mjs BINANCE:BTCUSDT 1h
import { writeFile } from "node:fs/promises";

const { GATEWAY_URL = "http://127.0.0.1:8765", GATEWAY_TOKEN = "any" } = process.env;
const [symbol, interval] = process.argv.slice(2);

const reply = await fetch(`${GATEWAY_URL}/v2/tradingview/advanced-chart`, {
  method: "POST",
  headers: { "x-api-key": GATEWAY_TOKEN, "content-type": "application/json" },
  body: JSON.stringify({ symbol, interval, width: 800, height: 600 }),
  signal: AbortSignal.timeout(130_000), // the gateway ends a wait after CHARTS_DEADLINE
});

if (reply.ok) {
  await writeFile("chart.png", Buffer.from(await reply.arrayBuffer()));
  console.log(`chart.png, ${reply.headers.get("x-chartimg-units-left")} units left`);
} else {
  console.error(reply.status, reply.headers.get("x-chartimg-kind"), await reply.text());
  process.exitCode = reply.headers.has("retry-after") ? 75 : 1;
}
