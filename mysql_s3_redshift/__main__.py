"""`python -m mysql_s3_redshift`: the same as the console script."""

from mysql_s3_redshift.cli.main import main

if __name__ == "__main__":
    main()
