/** The drafter over the session's own text alone: the verifier's echo, or a worker without stores. */

import { BlendDrafter } from './blend/blend.ts';
import { Mixer } from './blend/mixer.ts';
import { AlignmentStore } from './stores/alignment-store.ts';
import { SessionStore } from './stores/session-store.ts';

export class SessionDrafter extends BlendDrafter {
  readonly session: SessionStore;

  /** Sessions that share a mixer learn from each other how far to trust which context, never any text. */
  constructor(mixer = new Mixer(2)) {
    const session = new SessionStore();
    super([session, new AlignmentStore(session)], mixer);
    this.session = session;
  }
}
