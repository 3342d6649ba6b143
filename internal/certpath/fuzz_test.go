package certpath

import (
	"encoding/json"
	"os"
	"testing"
	"time"
)

func FuzzOCSPAnswer(f *testing.F) {
	var suite struct {
		Cases []struct{ Response []byte }
	}
	text, err := os.ReadFile("testdata/ocsp.json")
	if err != nil {
		f.Fatal(err)
	}
	if err := json.Unmarshal(text, &suite); err != nil {
		f.Fatal(err)
	}
	for _, c := range suite.Cases {
		f.Add(c.Response)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		r, err := parseOCSP(der)
		if err != nil {
			return
		}
		if len(r.answers) > maxAnswers || len(r.certs) > maxResponderCerts || len(r.nonce) > 128 {
			t.Error("more than the limits allow")
		}
		for _, a := range r.answers {
			_ = OCSP{}.fresh(r, &a, time.Unix(1_500_000_000, 0))
		}
	})
}
