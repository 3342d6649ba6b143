// Package municipality is the register of residents and the desk where ID cards
// are ordered: where facts about people come from.
//
// It owns the residents of its municipalities (name as written, as ordinary
// devices show it and in kana, alias, birth date, sex, address, household,
// protective measures), what happens to them (moved, name changed, died, left the
// country, card lost, found or given back), today or on a day to come, and the way
// of a card, or of a new signature certificate onto one, from the order to the
// hand-over. What an event does to certificates is decided by the issuer; making a
// card, and its secrets, by the role `cards`. The officer's pages are desk.go,
// deeds.go and pages.go.
//
// # How nothing is lost
//
// A change and what must be told of it are written in one transaction. Each
// resident has one line of open work, done in order: what the issuer was not told
// yet goes before a new card, and what a card was requested with goes before later
// news, so that no certificate is issued for an address that was left, and none is
// ended that was issued for the new one. Every message carries an id that its
// sender chose; killed at any point, the work goes on with the same message.
//
// # Trust
//
// The officer who changes the register is trusted with it, and named in its audit
// records. The issuer is trusted to answer for certificates and is checked as far
// as can be seen here: the certificates must be for the card's keys. The role
// `cards` is handed certificates only; no secret of a card crosses that line in
// either direction.
package municipality
