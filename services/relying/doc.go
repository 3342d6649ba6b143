// Package relying is what a service needs to be an outsider of the verifier: the client
// of the profile fapi2 (FAPI 2.0 Security Profile) that logs people in and has documents
// signed.
//
// It owns the protocol: discovery, client assertions (RFC 7523), pushed requests (RFC
// 9126), PKCE (RFC 7636), DPoP (RFC 9449), the issuer in the answer (RFC 9207), the ID
// Token's checks, back-channel logout, signature transactions, and verdicts on what was
// signed. Around it are a service's sessions and the pages that lead its browsers to the
// provider and back (Pages); what a person and a signature mean is the service's, and so is
// every word.
//
// # Trust
//
// The provider is trusted to say who logged in and what was signed, under the key that
// discovery at the configured issuer names. The browser is not: what it brings back counts
// only with the Login that the service kept for it, and only once.
package relying
