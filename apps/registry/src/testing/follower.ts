import { querySubject, registryContract } from '@downbeat/contracts';
import { DirectoryFollower } from '@downbeat/discovery';
import type { TestBench } from '@downbeat/test-bench';

/** What a caller knows of the services of a bench. Known whole when this returns. */
export async function followerOf(bench: TestBench): Promise<DirectoryFollower> {
  const follower = new DirectoryFollower({
    ask: async (input) => {
      const outcome = await bench.query(querySubject(registryContract.directory), { ...input });
      if (!outcome.ok) throw new Error(outcome.problem.message);
      return outcome.data as registryContract.DirectoryPage;
    },
    onPush: (listener) => bench.bus.onHint(registryContract.DIRECTORY_PUSH, listener),
  });
  follower.start();
  await follower.whenKnown();
  return follower;
}
