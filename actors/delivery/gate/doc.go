// Package gate shares what a node can have under way among its endpoints: a right is an attempt that may be made.
//
//	Ask ──▶ lane of (tier, class) ──a right is free──▶ grant ──▶ Use ──attempt ends──▶ back
//	                                                    └──▶ Return: it is not needed any more
//
// Promises:
//
//   - Never more rights are out than there are, and no more of them for retries and replays than Repeats: endpoints
//     that are down, each attempt of which takes its whole timeout, leave room for those that are not.
//   - The last Kept of them go only to endpoints with fewer than Few attempts under way: who takes hundreds at once and
//     seconds for each leaves room for everybody else.
//   - No right is unused while somebody asks that may have it.
//   - When there are not enough, lanes that ask are served in proportion to their weights, tier times class
//     (docs/priorities.md), and the endpoints of a lane in the order in which they asked. So nobody starves.
//   - An owner that leaves gives back what it holds, but for the attempts under way: they do so as they end.
//
// It knows no actor and no clock; it is safe for concurrent use.
package gate
