// Package element is the secure element of a virtual phone: the keys that a
// person agrees with, the two secrets that open them, and the device key that
// proves which phone is speaking.
//
// It owns key generation with attestation, PIN and password with counters that
// go down before a secret is compared, biometrics in place of the PIN (a WebAuthn
// assertion, verified here), the counter that every signature raises,
// the reset counter, the lock code, and what may be signed at all: enrolment
// steps and check-ins by the device key; answers and releases by the
// authentication or signature key; CMS by the signature key. Nothing else: no
// method takes a digest. How the phone speaks to the world, and what a person
// is shown, is left to holder/phone; what a terminal sees over a tap, to
// holder/card, whose interpreter is embedded.
//
// Standards: RFC 7515 and RFC 7518 (PS256, ES256), RFC 8176 (amr), RFC 2986
// (PKCS#10), the Android Key Attestation extension through internal/attest,
// CAdES B-B through internal/cms, WebAuthn Level 2.
//
// # Trust
//
// This is software. It plays the chip of a phone so that everything around it
// can be built and attacked; amr says so in every answer (swk). Its state rests
// in one file sealed under a key file: who reads both has the keys. That file
// alone put back is noticed; everything put back is noticed only by the
// authority, from the counter. The phone around it is trusted with the person's
// secrets for the length of one call, and with nothing afterwards.
package element
