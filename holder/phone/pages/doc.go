// Package pages is what a person sees of the own phone, at phone width: home,
// the registration from the card's password to the lock code, the question
// "do you agree?", scanning a code, history, certificates and the phone's
// settings.
//
// It owns the screens, their order and their words in Japanese and English.
// What happens when a button is pressed is the phone's (interface Phone); how
// things look is package ui's. The words are the ones people know from the
// real service: スマホ用電子証明書などの各種設定, 利用申請, 署名用パスワード.
//
// # Trust
//
// These pages hold the only fields for a PIN or password in the whole house.
// What is typed goes from the form to the Phone and is kept between two steps
// in this process only, never in a cookie, URL, hidden field, log or file.
// What a request shows comes from the Phone, which has checked the asking
// party's registration; nothing of a stranger's page is ever shown here.
package pages
