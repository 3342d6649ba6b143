package oidc

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// sealFor keeps the address to which a browser is led, with the code in it, so that
// nobody reads it but whoever brings the browser's cookie: of that we keep the hash
// alone. Codes thus rest nowhere in clear, and any instance can lead the browser on.
func sealFor(cookie, redirect string) ([]byte, error) {
	aead, err := aeadOf(cookie)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce) // never fails
	return aead.Seal(nonce, nonce, []byte(redirect), nil), nil
}

// openFor reads what sealFor kept.
func openFor(cookie string, sealed []byte) (string, error) {
	aead, err := aeadOf(cookie)
	if err != nil {
		return "", err
	}
	if len(sealed) < aead.NonceSize() {
		return "", errors.New("oidc: a kept redirect is too short")
	}
	text, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], nil)
	if err != nil {
		return "", fmt.Errorf("oidc: a kept redirect: %w", err)
	}
	return string(text), nil
}

// aeadOf is AES-256-GCM under a key of the cookie's 128 random bits, apart from the hash
// by which the cookie is found.
func aeadOf(cookie string) (cipher.AEAD, error) {
	key := sha256.Sum256([]byte("tegata openid redirect\x00" + cookie))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
