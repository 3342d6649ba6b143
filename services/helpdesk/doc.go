// Package helpdesk is the office that people call: a phone was lost, or somebody is
// stuck. Its agents can look at codes and suspend; nothing else.
//
// It owns the roster of its agents and the cases: what an agent did, when, and how it
// ended. Suspending, and what a support number shows, are the issuer's, over HTTP, with
// the agent's pseudonym in each call; signing in is package desk's.
//
// Of a caller nothing is kept: what an agent types goes to the issuer and is forgotten,
// and what a support number shows lies in memory until its ten minutes are over. A case
// has a number, times, agents and codes.
//
// # Trust
//
// The helpdesk is trusted to name its agents truly, and for nothing about the person:
// the issuer compares, counts and records. An agent who is dishonest can suspend phones
// of people whose four facts are known to them, which the person sees and undoes with the
// card. There is no call here that lifts a suspension, resets a secret or enters
// anything, and no field for a secret on any page.
package helpdesk
