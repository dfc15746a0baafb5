import type { Participant, ParticipantName } from './participant';
import { catering } from './participants/catering';
import { notification } from './participants/notification';
import { payment } from './participants/payment';
import { photographer } from './participants/photographer';
import { venue } from './participants/venue';

export const participants: Readonly<Record<ParticipantName, Participant>> = {
  venue,
  catering,
  photographer,
  payment,
  notification,
};
