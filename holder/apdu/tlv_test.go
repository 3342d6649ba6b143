package apdu_test

import (
	"bytes"
	"errors"
	"testing"

	"tegata/holder/apdu"
)

func TestHeaders(t *testing.T) {
	for name, test := range map[string]struct {
		bytes     []byte
		tag       uint32
		length, n int
	}{
		"a tag of one byte":               {[]byte{0x84, 2, 1, 2}, 0x84, 2, 2},
		"a constructed tag of two bytes":  {[]byte{0x7F, 0x21, 1, 9}, 0x7F21, 1, 3},
		"a private tag of two bytes":      {[]byte{0xFF, 0x10, 1, 9}, 0xFF10, 1, 3},
		"a tag of three bytes":            {[]byte{0xDF, 0x81, 0x01, 1, 9}, 0xDF8101, 1, 4},
		"a length of two bytes, as cards": {[]byte{0xDF, 0x33, 0x82, 0x00, 0x80, 1}, 0xDF33, 128, 5},
		"the beginning of a certificate":  {[]byte{0x30, 0x82, 0x05, 0x4E}, 0x30, 0x54E, 4},
		"an empty value":                  {[]byte{0x6F, 0}, 0x6F, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			tag, length, n, err := apdu.ParseHeader(test.bytes)
			if err != nil || tag != test.tag || length != test.length || n != test.n {
				t.Errorf("got %X, %d, %d, %v", tag, length, n, err)
			}
		})
	}
}

func TestWhatIsNoDataObject(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing":                           {},
		"filler":                            {0x00, 0x01},
		"no length":                         {0x84},
		"indefinite length":                 {0x30, 0x80, 0, 0},
		"length of five bytes":              {0x84, 0x85, 0, 0, 0, 0, 1, 1},
		"length cut off":                    {0x84, 0x82, 1},
		"value beyond all memory":           {0x84, 0x84, 0xFF, 0xFF, 0xFF, 0xFF},
		"tag of four bytes":                 {0xDF, 0x81, 0x81, 0x01, 0},
		"tag number that begins with zero":  {0xDF, 0x80, 0x01, 0},
		"tag cut off after its first byte":  {0xDF},
		"tag cut off after its second byte": {0xDF, 0x81},
	} {
		t.Run(name, func(t *testing.T) {
			if tag, length, _, err := apdu.ParseHeader(b); !errors.Is(err, apdu.ErrTLV) {
				t.Errorf("got %X, %d, %v; want ErrTLV", tag, length, err)
			}
		})
	}
}

func TestATagThatCannotBeReadIsNotWritten(t *testing.T) {
	for _, tag := range []uint32{0x00, 0xFF, 0x1F, 0xDF80, 0x1000000, 0xDF8181, 0x8401} {
		if b := (apdu.TLV{Tag: tag}).Bytes(); b != nil {
			t.Errorf("tag %X encodes to %X", tag, b)
		}
	}
}

func FuzzTLV(f *testing.F) {
	for _, b := range [][]byte{
		{}, {0x84, 2, 1, 2}, {0x7F, 0x21, 1, 9}, {0xFF, 0x10, 0x82, 0, 1, 9}, {0xFF, 0xFF, 0, 0x6F, 2, 0x84, 0},
		{0x84, 0x84, 0xFF, 0xFF, 0xFF, 0xFF}, {0xDF, 0x81, 0x01, 1, 9}, {0x30, 0x80, 0, 0},
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tag, length, n, err := apdu.ParseHeader(b)
		if err != nil {
			return
		}
		if n < 2 || n > 8 || n > len(b) || length < 0 {
			t.Fatalf("%x: a header of %d bytes, a value of %d", b, n, length)
		}
		value := b[n:min(len(b), n+length)]
		again := apdu.TLV{Tag: tag, Value: value}.Bytes()
		tag2, length2, n2, err := apdu.ParseHeader(again)
		if err != nil || tag2 != tag || length2 != len(value) || !bytes.Equal(again[n2:], value) {
			t.Fatalf("%x: encoded to %x, read back as %X, %d, %v", b, again, tag2, length2, err)
		}
	})
}
