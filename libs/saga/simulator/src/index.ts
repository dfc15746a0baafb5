export { Coverage } from './coverage';
export { timerEnds, type TimerEnd } from './oracle/lateness';
export { simulate, type Result, type SimulationOptions } from './world/simulation';
export { TEETH, hunt, type Bite } from './teeth/teeth';
