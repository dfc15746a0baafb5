import { registryContract, type InputOf } from '@downbeat/contracts';
import { Answers, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { LiveDirectory } from './live-directory';

const { directory } = registryContract;

/** Answers those who keep a snapshot: from memory, so that thousands may ask at once. */
@Controller()
export class DirectoryQueries {
  constructor(private readonly live: LiveDirectory) {}

  @Answers(directory)
  async ask({ input }: Question<InputOf<typeof directory>>) {
    const data = await this.live.answer(input);
    return { position: data.revision, data };
  }
}
