import type { DynamicModule, Type } from '@nestjs/common';
import { MODULE_METADATA } from '@nestjs/common/constants';
import type { z } from 'zod';

/** A module that says which settings it reads, so that they are checked before anything starts. */
export interface ConfiguredModule extends DynamicModule {
  readonly settings: z.ZodObject;
}

type Imported = Type | DynamicModule | ConfiguredModule;

/** The settings of a module and of all it imports. Modules that are provided by promises or forward references have none. */
export function settingsOf(module: Type): readonly z.ZodObject[] {
  const seen = new Set<Imported>();
  const visit = (one: Imported): readonly z.ZodObject[] => {
    if (seen.has(one)) return [];
    seen.add(one);
    const isType = typeof one === 'function';
    const type = isType ? one : one.module;
    const imports = [
      ...((type && (Reflect.getMetadata(MODULE_METADATA.IMPORTS, type) as Imported[])) ?? []),
      ...(isType ? [] : ((one.imports ?? []) as Imported[])),
    ];
    return [...('settings' in one ? [one.settings] : []), ...imports.flatMap(visit)];
  };
  return visit(module);
}
