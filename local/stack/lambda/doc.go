// Package lambda runs real Lambda bootstraps as AWS Lambda does: each
// execution environment is one process with a Runtime API (2018-06-01) of its
// own. It serves one invocation at a time, is frozen (SIGSTOP) from its
// request for the next invocation until that arrives, and is discarded after a
// timeout, an exit or a kill.
//
// What differs from AWS: an environment that fails to initialise fails its
// first invocation at once instead of being initialised again within it; CPU
// and memory are not limited; idle environments stay until they are killed.
package lambda
