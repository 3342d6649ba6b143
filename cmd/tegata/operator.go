package main

import (
	"crypto/subtle"
	"net/http"
	"strings"

	"tegata/holder/rack"
	"tegata/internal/httpd"
)

// operatorOnly lets in whoever holds the sandbox operator's token.
func operatorOnly(token string, h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if token == "" || subtle.ConstantTimeCompare([]byte(got), []byte(token)) != 1 {
			httpd.WriteProblem(w, r, rack.ErrOperator)
			return
		}
		h(w, r)
	})
}
