// Package pages is what an agent sees of the helpdesk, and the one page that anybody may
// use who advises somebody.
//
// It owns the screens and their words in Japanese and English. Signing in is package
// desk's, what an agent can do package helpdesk's; how things look is package ui's.
//
// # Trust
//
// As package desk says of browsers. No page here has a field for a secret, of the caller
// or of the agent: a test looks at every one. What a caller says stands in the form while
// it is open and goes nowhere but to the issuer; a support number is in no address.
package pages
