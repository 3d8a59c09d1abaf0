import { startPostgres } from "../servers/postgres.ts";
import { startRedis } from "../servers/redis.ts";
import { killsAtEveryStep } from "./kills.ts";

killsAtEveryStep("servers", async () => {
  const [postgres, redis] = [await startPostgres(), await startRedis()];
  return {
    database: await postgres.database(),
    store: redis.url,
    close: async () => void (await Promise.all([postgres.remove(), redis.remove()])),
  };
});
