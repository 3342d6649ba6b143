// Package pages is what a person sees of the resident's portal: the start with
// its two ways to log in, the screen that waits for the phone, home, and what is
// shown when something does not work.
//
// It owns the screens, their words in Japanese and English, and the two cookies.
// Logging in and what is known of a person are package portal's; how things look
// is package ui's.
//
// # Trust
//
// The browser is believed for nothing. The login cookie binds a login to the
// browser that began it; the session cookie is a random token of which the
// store holds a hash. There is no field for a PIN or password here: those exist
// on the phone's own pages only.
package pages
