import { Rejection, type JsonObject } from '@downbeat/eventsourcing';
import { randomBytes } from 'node:crypto';
import { registryConfig } from '../registry-config';
import type { DataKey, DataKeys, Owner } from './data-keys';
import { decrypt, encrypt, NotReadable } from './envelope';
import { KeyRing } from './key-ring';
import { SecretKeeper } from './secret-keeper';

const master = (): string => randomBytes(32).toString('base64');
const shop: Owner = { service_id: 'shop', environment: 'production' };
const [ONE, OTHER] = [master(), master()];

const nothingBefore = () => Promise.resolve(undefined);

/** As the table has them. */
class MemoryDataKeys {
  readonly keys = new Map<string, DataKey>();
  make = async (owner: Owner) => {
    const made = { ...owner, data_key: `d-${this.keys.size}`, key: randomBytes(32) };
    this.keys.set(made.data_key, made);
    return made;
  };
  read = async () => this.keys;
  keyIds = async (ids: readonly string[]) => new Map(ids.map((id) => [id, 'k']));
}

describe('an envelope', () => {
  const key = randomBytes(32);
  const sealed = encrypt(key, Buffer.from('value'), { path: '/a', service_id: 'shop' });

  it('gives back what was put in, at its own place', () =>
    expect(decrypt(key, sealed, { service_id: 'shop', path: '/a' }).toString()).toBe('value'));

  it('is another one each time', () =>
    expect(encrypt(key, Buffer.from('value'), {})).not.toEqual(
      encrypt(key, Buffer.from('value'), {}),
    ));

  it('gives nothing at another place, with another key, or when a bit of it was turned', () => {
    const place = { service_id: 'shop', path: '/a' };
    expect(() => decrypt(key, sealed, { ...place, path: '/b' })).toThrow(NotReadable);
    expect(() => decrypt(randomBytes(32), sealed, place)).toThrow(NotReadable);
    expect(() => decrypt(key, sealed.subarray(0, 20), place)).toThrow(NotReadable);
    for (let at = 0; at < sealed.length; at++) {
      const turned = Buffer.from(sealed);
      turned.writeUInt8(turned.readUInt8(at) ^ 1, at);
      expect(() => decrypt(key, turned, place)).toThrow(NotReadable);
    }
  });
});

describe('a key ring', () => {
  it('knows its keys by ids that are the same each time', () => {
    const ring = new KeyRing(`${ONE}, ${OTHER}`);
    expect(ring.current?.id).toBe(new KeyRing(ONE).current?.id);
    expect(ring.ids).toEqual([ring.current?.id, new KeyRing(OTHER).current?.id]);
    expect(new KeyRing(undefined).current).toBeUndefined();
  });

  it.each(['short', `${master()};${master()}`, `${master()},`, randomBytes(31).toString('base64')])(
    'is refused when it is none, and the message does not repeat it',
    (DOWNBEAT_CONFIG_KEY) => {
      const { error } = registryConfig.safeParse({ DOWNBEAT_CONFIG_KEY });
      expect(error?.issues[0]?.path).toEqual(['DOWNBEAT_CONFIG_KEY']);
      expect(error?.message).not.toContain(DOWNBEAT_CONFIG_KEY);
    },
  );
});

describe('the keeper of secrets', () => {
  const keeperOf = (keys?: string, dataKeys = new MemoryDataKeys()) =>
    new SecretKeeper(new KeyRing(keys), dataKeys as unknown as DataKeys);
  const token = (keeper: SecretKeeper, value: string, owner = shop): JsonObject => {
    const sealed = keeper.seal(owner, value);
    if (sealed instanceof Rejection) throw new Error(sealed.code);
    return { $secret: { sealed } };
  };
  const kept = async (keeper: SecretKeeper, document: JsonObject): Promise<JsonObject> => {
    const found = await keeper.keep(shop, document, nothingBefore);
    if (found instanceof Rejection) throw new Error(found.code);
    return found;
  };

  it('keeps values as ciphertext and gives them back', async () => {
    const keeper = keeperOf(ONE);
    const document = await kept(keeper, {
      list: [token(keeper, 'a'), { deep: token(keeper, 'b') }],
      ref: { $secret: { ref: 'env:C' } },
    });
    expect(JSON.stringify(document)).not.toContain('sealed');
    expect(await keeper.revealed(document)).toEqual({
      list: ['a', { deep: 'b' }],
      ref: { $secret: { ref: 'env:C' } },
    });
  });

  it('gives no value at another place of the same document', async () => {
    const keeper = keeperOf(ONE);
    const { a } = await kept(keeper, { a: token(keeper, 'x'), b: 1 });
    await expect(keeper.revealed({ b: a })).rejects.toThrow(NotReadable);
  });

  it.each<[string, Owner]>([
    ['service', { ...shop, service_id: 'bank' }],
    ['environment', { ...shop, environment: 'staging' }],
  ])('takes no token of another %s', async (_, owner) => {
    const keeper = keeperOf(ONE);
    expect(
      await keeper.keep(shop, { a: { b: token(keeper, 'x', owner) } }, nothingBefore),
    ).toMatchObject({
      code: 'secret-not-sealed-here',
      errors: [{ field: 'configuration.a.b' }],
    });
  });

  it('takes tokens that were sealed before its key changed', async () => {
    const data = new MemoryDataKeys();
    const older = token(keeperOf(OTHER, data), 'x');
    const document = await kept(keeperOf(`${ONE},${OTHER}`, data), { a: older });
    expect(await keeperOf(ONE, data).revealed(document)).toEqual({ a: 'x' });
    expect(await keeperOf(ONE).keep(shop, { a: older }, nothingBefore)).toBeInstanceOf(Rejection);
  });

  it('without a key seals nothing, and leaves references alone', async () => {
    const keeper = keeperOf();
    expect(keeper.seal(shop, 'x')).toMatchObject({ code: 'secrets-not-configured' });
    const document = { a: { $secret: { ref: 'env:A' } } };
    expect(await keeper.keep(shop, document, nothingBefore)).toEqual(document);
  });

  it('keeps what an earlier version has at the same place, under a key of its own', async () => {
    const keeper = keeperOf(ONE);
    const ref = { $secret: { ref: 'env:C' } };
    const first = await kept(keeper, { a: { b: token(keeper, 'x') }, ref });
    const keepAll = {
      a: { b: { $secret: { kept_from: '1' } } },
      ref: { $secret: { kept_from: '1' } },
    };
    const second = await keeper.keep(shop, keepAll, async () => first);
    expect(await keeper.revealed(second as JsonObject)).toEqual({ a: { b: 'x' }, ref });
    expect(JSON.stringify(second)).not.toContain('kept_from');
    expect(JSON.stringify(second)).not.toContain('"d-0"');
    const elsewhere = { c: { $secret: { kept_from: '1' } } };
    expect(await keeper.keep(shop, elsewhere, async () => first)).toMatchObject({
      code: 'no-secret-to-keep',
      errors: [{ field: 'configuration.c' }],
    });
  });
});
