package main

import (
	"context"
	"flag"
)

// withSecrets calls a phone's door with secrets, and no card.
func withSecrets(ctx context.Context, c console, flags *flag.FlagSet, args []string, door string, secrets ...string) error {
	r := remoteFlags(c, flags)
	file := flags.String("secrets", "-", "JSON file with the secrets, mode 0600; - is standard input")
	words, err := parse(flags, args, "PHONE")
	if err != nil {
		return err
	}
	body, err := readSecrets(c, *file, secrets...)
	if err != nil {
		return err
	}
	if err := r.find(ctx); err != nil {
		return err
	}
	if err := r.post(ctx, "phone", phonePath(words[0], door), body, nil); err != nil {
		return err
	}
	return printPhone(ctx, r, words[0], false)
}

// phoneChangeSecret changes whichever of the two secrets comes with a new value.
func phoneChangeSecret(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	return withSecrets(ctx, c, flags, args, "change-secret",
		"phone_auth_pin", "new_phone_auth_pin", "phone_signature_password", "new_phone_signature_password")
}

// phoneResetPIN sets a new PIN when the old one is forgotten or blocked.
func phoneResetPIN(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	return withSecrets(ctx, c, flags, args, "reset-pin", "phone_signature_password", "new_phone_auth_pin")
}

// phoneResetPassword brings a new signature certificate when the password of the
// present one is forgotten or blocked.
func phoneResetPassword(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r, id, err := withCard(ctx, c, flags, args, "reset-password", "card_signature_password", "new_phone_signature_password")
	if err != nil {
		return err
	}
	c.say("署名用電子証明書が新しくなりました。前のものは失効しました。 / There is a new signature certificate; the one before is revoked.")
	return printPhone(ctx, r, id, false)
}
