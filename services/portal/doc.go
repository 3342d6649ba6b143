// Package portal is the resident's portal: a person logs in with the phone and
// sees the state of the certificates, the last uses and the refused attempts.
//
// It owns accounts, logins under way and sessions. Who a person is comes from the
// verifier's verdict alone: the account is the pairwise id, and the name is the
// one that the holder released in that login. Nothing personal in this database
// arrived another way. The certificates' state comes from the issuer and the uses
// from the verifier, each against a one-time grant of that login.
//
// The ceremony is that of package ceremony; logging in is risk class R1.
//
// # Trust
//
// The verifier is trusted for verdicts, the browser for nothing: a login is
// finished only in the browser that began it, by a cookie of which the database
// holds a hash. Whoever reads the database finds names and states, but no cookie
// that opens a session and no key.
package portal
