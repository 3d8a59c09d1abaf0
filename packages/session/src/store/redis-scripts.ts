/**
 * What Redis does in one step, as scripts on one key each, since a Cluster carries out no other; `use` takes more elsewhere. A key's own
 * expiry is the limit of what it holds (PEXPIRETIME, Redis ≥ 7.0); one that is absent (-2) or has no expiry (-1) is older than any `over`.
 *
 * They are without a `#!lua` line on purpose: with it Redis refuses them whole when memory is full, and a session could not even be
 * used or ended. They write last, so that what refuses the write has changed nothing; `use`, of which more than
 * one key may have been moved by then, may be run again.
 */
import { createHash } from "node:crypto";

/** A script, and what Redis calls it once it knows it. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

function script(lua: string): Script {
  return { lua, sha: createHash("sha1").update(lua).digest("hex") };
}

/**
 * `over`, `until` for each of its keys. An answer for each: the value, its limit moved to `until`; the value and its limit where that is
 * later; nil if its limit is `over`.
 */
export const use: Script = script(`
  local answers = {}
  for at, key in ipairs(KEYS) do
    local limit, till = redis.call('PEXPIRETIME', key), ARGV[2 * at]
    if limit <= tonumber(ARGV[2 * at - 1]) then answers[at] = false
    elseif limit >= tonumber(till) then answers[at] = {redis.call('GET', key), limit}
    else answers[at] = redis.call('GETEX', key, 'PXAT', till) end
  end
  return answers
`);

/** `over`: the value and its limit; nil if that is over. */
export const look: Script = script(`
  local limit = redis.call('PEXPIRETIME', KEYS[1])
  if limit <= tonumber(ARGV[1]) then return false end
  return {redis.call('GET', KEYS[1]), limit}
`);

/** `over`, `value`, `limit`: 1, and the value is written; where one is there that is not over, that one and its limit. */
export const insert: Script = script(`
  local limit = redis.call('PEXPIRETIME', KEYS[1])
  if limit > tonumber(ARGV[1]) and redis.call('TYPE', KEYS[1]).ok == 'string' then
    return {redis.call('GET', KEYS[1]), limit}
  end
  redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
  return 1
`);

/** `before`, `value`, `limit`: writes the value in the place of exactly that one; 1 if it did. */
export const replace: Script = script(`
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
  redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
  return 1
`);

/** `over`, `json`, `limit`: writes what follows the number a value starts with; 1 if there is one that is not over. */
export const rewrite: Script = script(`
  if redis.call('PEXPIRETIME', KEYS[1]) <= tonumber(ARGV[1]) then return 0 end
  local number = string.match(redis.call('GET', KEYS[1]), '^%d+|')
  if not number then return 0 end
  redis.call('SET', KEYS[1], number .. ARGV[2], 'PXAT', ARGV[3])
  return 1
`);

/** `number`: raises the number a value starts with; its limit stays. */
export const raise: Script = script(`
  local number, rest = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+)(|.*)$')
  if not number or tonumber(number) >= tonumber(ARGV[1]) then return 0 end
  redis.call('SET', KEYS[1], ARGV[1] .. rest, 'KEEPTTL')
  return 1
`);

/** `number`, `value`, `limit`: writes the value in the place of one that starts with that number; 1 if it did. */
export const advance: Script = script(`
  if string.match(redis.call('GET', KEYS[1]) or '', '^(%d+)|') ~= ARGV[1] then return 0 end
  redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
  return 1
`);

/**
 * `entry`, `score`, `limit`, `over`: adds the entry to an index, or raises its score; the index stays until `limit` at least. An
 * entry ends with its own limit, in seconds as is `over`: the first ones that are over go, so that an index nobody sweeps stays bounded.
 */
export const enter: Script = script(`
  if redis.call('TYPE', KEYS[1]).ok ~= 'zset' then redis.call('DEL', KEYS[1]) end
  redis.call('ZADD', KEYS[1], 'GT', ARGV[2], ARGV[1])
  for _, entry in ipairs(redis.call('ZRANGE', KEYS[1], 0, 9)) do
    local limit = tonumber(string.match(entry, '%d+$'))
    if limit and limit <= tonumber(ARGV[4]) then redis.call('ZREM', KEYS[1], entry) end
  end
  if redis.call('PEXPIRETIME', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIREAT', KEYS[1], ARGV[3]) end
  return 1
`);

/** `entry`, `score`: removes the entry from an index, unless its score is higher. */
export const strike: Script = script(`
  local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
  if score and tonumber(score) <= tonumber(ARGV[2]) then redis.call('ZREM', KEYS[1], ARGV[1]) end
  return 1
`);

/** `rank`, `count`, `over`: removes what is over (in seconds) among so many entries from that rank on; the rank to go on from, 0 at the end. */
export const trim: Script = script(`
  local from, count = tonumber(ARGV[1]), tonumber(ARGV[2])
  local entries = redis.call('ZRANGE', KEYS[1], from, from + count - 1)
  local gone = {}
  for _, entry in ipairs(entries) do
    local limit = tonumber(string.match(entry, '%d+$'))
    if limit and limit <= tonumber(ARGV[3]) then gone[#gone + 1] = entry end
  end
  if #gone > 0 then redis.call('ZREM', KEYS[1], unpack(gone)) end
  if #entries < count then return 0 end
  return from + count - #gone
`);
