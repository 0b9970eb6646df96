"""One module per outside thing. Only these import boto3, psycopg, redis, hvac, ccxt, httpx."""
