package eid_test

import (
	"strings"
	"testing"

	"tegata/holder/eid"
)

func TestARefusalSaysWhichSecretHowManyTriesAndTheWayBack(t *testing.T) {
	for name, test := range map[string]struct {
		err    eid.SecretError
		ja, en []string
	}{
		"some tries left": {eid.SecretError{Which: eid.AuthPIN, TriesLeft: 2}, []string{"利用者証明用暗証番号", "あと2回"}, []string{"authentication PIN", "2 tries"}},
		"one try left":    {eid.SecretError{Which: eid.SignPassword, TriesLeft: 1}, []string{"署名用パスワード", "あと1回"}, []string{"signature password", "One more"}},
		"just blocked":    {eid.SecretError{Which: eid.SignPassword}, []string{"署名用パスワード", "市区町村"}, []string{"signature password", "municipality"}},
		"blocked before":  {eid.SecretError{Which: eid.AuthPIN, Before: true}, []string{"ロック", "市区町村"}, []string{"blocked", "municipality"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, want := range test.ja {
				if !strings.Contains(test.err.JA(), want) {
					t.Errorf("%q lacks %q", test.err.JA(), want)
				}
			}
			for _, want := range test.en {
				if !strings.Contains(test.err.EN(), want) {
					t.Errorf("%q lacks %q", test.err.EN(), want)
				}
			}
			if !strings.HasPrefix(test.err.Error(), "eid: ") {
				t.Errorf("error %q", test.err.Error())
			}
		})
	}
}
