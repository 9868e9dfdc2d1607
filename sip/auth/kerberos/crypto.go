package kerberos

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"unicode/utf16"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/crypto/etype"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/types"

	//lint:ignore SA1019 the RC4 key is the MD4 hash of the password
	"golang.org/x/crypto/md4"
)

// enctypes are the encryption types of this package, best first. RC4 is among them because domain controllers
// older than Windows Server 2008 have no better one.
var enctypes = []int32{
	etypeID.AES256_CTS_HMAC_SHA1_96,
	etypeID.AES128_CTS_HMAC_SHA1_96,
	etypeID.AES256_CTS_HMAC_SHA384_192,
	etypeID.AES128_CTS_HMAC_SHA256_128,
	etypeID.RC4_HMAC,
}

// enctypeNames are the spellings of krb5.conf, families included.
var enctypeNames = map[string][]int32{
	"aes256-cts-hmac-sha1-96":    {etypeID.AES256_CTS_HMAC_SHA1_96},
	"aes256-cts":                 {etypeID.AES256_CTS_HMAC_SHA1_96},
	"aes256-sha1":                {etypeID.AES256_CTS_HMAC_SHA1_96},
	"aes128-cts-hmac-sha1-96":    {etypeID.AES128_CTS_HMAC_SHA1_96},
	"aes128-cts":                 {etypeID.AES128_CTS_HMAC_SHA1_96},
	"aes128-sha1":                {etypeID.AES128_CTS_HMAC_SHA1_96},
	"aes256-cts-hmac-sha384-192": {etypeID.AES256_CTS_HMAC_SHA384_192},
	"aes256-sha2":                {etypeID.AES256_CTS_HMAC_SHA384_192},
	"aes128-cts-hmac-sha256-128": {etypeID.AES128_CTS_HMAC_SHA256_128},
	"aes128-sha2":                {etypeID.AES128_CTS_HMAC_SHA256_128},
	"arcfour-hmac":               {etypeID.RC4_HMAC},
	"arcfour-hmac-md5":           {etypeID.RC4_HMAC},
	"rc4-hmac":                   {etypeID.RC4_HMAC},
	"rc4":                        {etypeID.RC4_HMAC},
	"aes":                        enctypes[:4],
	"default":                    enctypes,
}

// keySizes are in bytes. gokrb5 has 24 for aes256-cts-hmac-sha384-192, which is the size of its derived keys.
var keySizes = map[int32]int{
	etypeID.AES256_CTS_HMAC_SHA1_96:    32,
	etypeID.AES128_CTS_HMAC_SHA1_96:    16,
	etypeID.AES256_CTS_HMAC_SHA384_192: 32,
	etypeID.AES128_CTS_HMAC_SHA256_128: 16,
	etypeID.RC4_HMAC:                   16,
}

// maxIterations bounds the work that a KDC can ask of a client that has a password: about a second of it.
// KDCs ask for 4096 or 32768 iterations.
const maxIterations = 1 << 20

// enctypeOf returns the encryption type of a key, if it is one of this package's and the key has its size.
func enctypeOf(key types.EncryptionKey) (etype.EType, error) {
	size, ok := keySizes[key.KeyType]
	if !ok {
		return nil, &Error{Kind: KindNoCommonEnctype, Err: fmt.Errorf("encryption type %d", key.KeyType)}
	}
	if len(key.KeyValue) != size {
		return nil, fmt.Errorf("a key of %d bytes, not %d", len(key.KeyValue), size)
	}
	return crypto.GetEtype(key.KeyType)
}

// decrypt opens what a peer has encrypted. gokrb5 alone panics on input that is too short.
func decrypt(data types.EncryptedData, key types.EncryptionKey, usage uint32) ([]byte, error) {
	e, err := enctypeOf(key)
	if err != nil {
		return nil, err
	}
	if data.EType != key.KeyType {
		return nil, fmt.Errorf("encrypted with type %d, not %d", data.EType, key.KeyType)
	}
	if len(data.Cipher) < e.GetConfounderByteSize()+e.GetHMACBitLength()/8 {
		return nil, errTruncated
	}
	return e.DecryptMessage(key.KeyValue, data.Cipher, usage)
}

// encrypt is the opposite of decrypt.
func encrypt(plain []byte, key types.EncryptionKey, usage uint32, kvno int) (types.EncryptedData, error) {
	if _, err := enctypeOf(key); err != nil {
		return types.EncryptedData{}, err
	}
	return crypto.GetEncryptedData(plain, key, usage, kvno)
}

// stringToKey derives a principal's key from its password (RFC 3961 3, RFC 4757 2). params is empty or the
// number of iterations in four bytes.
func stringToKey(password string, id int32, salt string, params []byte) (types.EncryptionKey, error) {
	key := types.EncryptionKey{KeyType: id}
	if _, ok := keySizes[id]; !ok {
		return key, &Error{Kind: KindNoCommonEnctype, Err: fmt.Errorf("encryption type %d", id)}
	}
	if id == etypeID.RC4_HMAC { // gokrb5 has it for ASCII only
		h := md4.New()
		for _, unit := range utf16.Encode([]rune(password)) {
			h.Write([]byte{byte(unit), byte(unit >> 8)})
		}
		key.KeyValue = h.Sum(nil)
		return key, nil
	}
	e, err := crypto.GetEtype(id)
	if err != nil {
		return key, err
	}
	s2k := e.GetDefaultStringToKeyParams()
	if len(params) > 0 {
		if len(params) != 4 {
			return key, errors.New("string-to-key parameters of a wrong length")
		}
		if n := binary.BigEndian.Uint32(params); n == 0 || n > maxIterations {
			return key, fmt.Errorf("the KDC asks for %d iterations of the password hash, more than %d", n, maxIterations)
		}
		s2k = hex.EncodeToString(params)
	}
	key.KeyValue, err = e.StringToKey(password, salt, s2k)
	return key, err
}

// newKey makes a random key.
func newKey(id int32) types.EncryptionKey {
	return types.EncryptionKey{KeyType: id, KeyValue: random(keySizes[id])}
}
