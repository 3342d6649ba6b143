package eid_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"testing"

	"tegata/holder/card/cardtest"
	"tegata/holder/eid"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

// TLS 1.3 demands RSASSA-PSS of a client, which card programs cannot ask a card
// for; a crypto.Signer over the tap can.
func TestACardIsATLSClient(t *testing.T) {
	made := cardtest.New(t, cardtest.Options{})
	for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			signer, err := open(t, hold(t, made.Card)).Signer(t.Context(), eid.AuthPIN, made.PIN)
			if err != nil {
				t.Fatal(err)
			}
			roots := x509.NewCertPool()
			authority, err := x509.ParseCertificate(made.Authorities[pki.CardAuth])
			if err != nil {
				t.Fatal(err)
			}
			roots.AddCert(authority)
			// The server's own certificate is of no interest here: any will do.
			server := tls.Certificate{Certificate: [][]byte{made.Certificates[pki.CardSign]}, PrivateKey: pkitest.Key(t, 1)}
			a, b := net.Pipe()
			seen := make(chan *x509.Certificate, 1)
			go func() {
				defer close(seen)
				defer a.Close()
				conn := tls.Server(a, &tls.Config{Certificates: []tls.Certificate{server}, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert})
				if conn.Handshake() == nil {
					seen <- conn.ConnectionState().PeerCertificates[0]
					io.WriteString(conn, "hello")
				}
			}()
			client := tls.Client(b, &tls.Config{
				MinVersion: version, MaxVersion: version, InsecureSkipVerify: true,
				Certificates: []tls.Certificate{{Certificate: [][]byte{signer.Certificate().Raw}, PrivateKey: signer}},
			})
			text := make([]byte, 5)
			if _, err := io.ReadFull(client, text); err != nil || string(text) != "hello" {
				t.Fatalf("got %q, %v", text, err)
			}
			if c := <-seen; c == nil || !c.Equal(signer.Certificate()) {
				t.Error("the server saw another client")
			}
		})
	}
}
