package kerberos

import (
	"encoding/hex"
	"testing"

	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/stretchr/testify/require"
)

func TestKeyFromPassword(t *testing.T) {
	for _, test := range []struct {
		name           string
		password, salt string
		enctype        int32
		params, want   string
	}{
		{"RFC 3962 appendix B, 1200 iterations", "password", "ATHENA.MIT.EDUraeburn", etypeID.AES256_CTS_HMAC_SHA1_96, "000004b0", "55a6ac740ad17b4846941051e1e8b0a7548d93b0ab30a8bc3ff16280382b8c2a"},
		{"RFC 3962 appendix B, AES128", "password", "ATHENA.MIT.EDUraeburn", etypeID.AES128_CTS_HMAC_SHA1_96, "000004b0", "4c01cd46d632d01e6dbe230a01ed642a"},
		{"RFC 3962 appendix B, g-clef", "\U0001D11E", "EXAMPLE.COMpianist", etypeID.AES256_CTS_HMAC_SHA1_96, "00000032", "4b6d9839f84406df1f09cc166db4b83c571848b784a3d6bdc346589a3e393f9e"},
		{"MS-NLMP 4.2.2.1.2", "Password", "", etypeID.RC4_HMAC, "", "a4f49c406510bdcab6824ee7c30fd852"},
		{"RC4 beyond ASCII", "Passw0rd! ü\U0001D11E", "", etypeID.RC4_HMAC, "", "3a9b7a0b307719e52dc58b55a8fbee61"},
	} {
		t.Run(test.name, func(t *testing.T) {
			key, err := stringToKey(test.password, test.enctype, test.salt, unhex(t, test.params))
			require.NoError(t, err)
			require.Equal(t, test.want, hex.EncodeToString(key.KeyValue))
		})
	}
}

func TestKDCCannotAskForEndlessWork(t *testing.T) {
	for _, params := range []string{"ffffffff", "00000000", "00100001", "01"} {
		_, err := stringToKey(password, etypeID.AES256_CTS_HMAC_SHA1_96, "salt", unhex(t, params))
		require.Error(t, err, params)
	}
}

func TestDecryptOpensWhatEncryptMade(t *testing.T) {
	for _, id := range enctypes {
		key := newKey(id)
		for size := range 40 {
			plain := random(size)
			sealed, err := encrypt(plain, key, 11, 0)
			require.NoError(t, err)
			got, err := decrypt(sealed, key, 11)
			require.NoError(t, err)
			require.Equal(t, plain, got[:size])
		}
	}
}

func TestDecryptRefusesWhatIsShortOrOfAnotherKey(t *testing.T) {
	for _, id := range enctypes {
		key := newKey(id)
		for size := range 64 {
			_, err := decrypt(types.EncryptedData{EType: id, Cipher: make([]byte, size)}, key, 11)
			require.Error(t, err)
		}
		sealed, err := encrypt([]byte("text"), key, 11, 0)
		require.NoError(t, err)
		_, err = decrypt(sealed, newKey(id), 11)
		require.Error(t, err)
		_, err = decrypt(sealed, key, 12)
		require.Error(t, err)
		_, err = decrypt(sealed, types.EncryptionKey{KeyType: id, KeyValue: key.KeyValue[1:]}, 11)
		require.Error(t, err)
	}
}

func TestUnknownEncryptionTypesAreRefused(t *testing.T) {
	for _, id := range []int32{0, -1, etypeID.DES_CBC_MD5, etypeID.DES3_CBC_SHA1_KD, 99} {
		_, err := stringToKey(password, id, "salt", nil)
		requireKind(t, KindNoCommonEnctype, err)
		_, err = enctypeOf(types.EncryptionKey{KeyType: id, KeyValue: make([]byte, 24)})
		requireKind(t, KindNoCommonEnctype, err)
	}
}
