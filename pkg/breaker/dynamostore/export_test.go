package dynamostore

import "github.com/aws/aws-sdk-go-v2/service/dynamodb"

// NewOfSchema returns a Store of another schema version.
func NewOfSchema(client *dynamodb.Client, table string, schema int) *Store {
	return &Store{client: client, table: table, schema: schema}
}
