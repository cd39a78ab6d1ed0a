-- The settlement system of a parcel carrier: what it is paid for orders and owes its partners.

CREATE TABLE settle_orders (
  ID              BIGINT        NOT NULL AUTO_INCREMENT COMMENT 'Key; grows with the time of insertion',
  order_no        VARCHAR(32)   NOT NULL COMMENT 'Number that the customer sees',
  partner_id      INT UNSIGNED  NOT NULL COMMENT 'settlement_partners.id of the delivering partner',
  region          VARCHAR(8)    NOT NULL COMMENT 'Settlement region: us, ca, mx, uk, de',
  warehouse_code  CHAR(6)       NOT NULL COMMENT 'Warehouse that handed the parcel over',
  order_type      ENUM('standard','express','return','bulk') NOT NULL DEFAULT 'standard',
  status          TINYINT       NOT NULL DEFAULT 0 COMMENT '0 new, 1 priced, 2 confirmed, 3 settled, 9 void',
  is_billed       TINYINT(1)    NOT NULL DEFAULT 0 COMMENT '1 once it is on an invoice',
  weight_kg       DECIMAL(9,3)  NOT NULL COMMENT 'Billable weight',
  freight_amount  DECIMAL(12,2) NOT NULL COMMENT 'Freight in the order''s currency',
  surcharge       DECIMAL(12,4)          COMMENT 'Fuel and remote-area surcharge; NULL: none agreed',
  currency        CHAR(3)       NOT NULL DEFAULT 'USD',
  attributes      JSON                   COMMENT 'Options chosen at checkout',
  remark          TEXT                   COMMENT 'Free text of customer service',
  receiver_city   VARCHAR(64)   NOT NULL,
  settled_on      DATE                   COMMENT 'Day of the settlement run that took the order',
  created_at      DATETIME      NOT NULL DEFAULT CURRENT_TIMESTAMP,
  update_at       DATETIME      NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP
                                COMMENT 'Last change; whole seconds, so many rows share one value',
  PRIMARY KEY (ID),
  UNIQUE KEY uk_order_no (order_no),
  KEY idx_update_at_id (update_at, ID)
) ENGINE=InnoDB COMMENT='Orders to settle, one row per order';

CREATE TABLE settlement_normal_delivery_detail (
  id              BIGINT        NOT NULL AUTO_INCREMENT,
  order_id        BIGINT        NOT NULL COMMENT 'settle_orders.ID',
  parcel_id       BIGINT UNSIGNED NOT NULL COMMENT 'uni_parcels.parcel_id',
  driver_id       INT           NOT NULL,
  `190_time`      DATETIME               COMMENT 'Scan 190: out for delivery',
  `200_time`      DATETIME               COMMENT 'Scan 200: delivered; NULL: not yet',
  distance_km     DOUBLE        NOT NULL COMMENT 'Driven distance',
  stop_number     SMALLINT UNSIGNED NOT NULL COMMENT 'Position on the route',
  base_fee        DECIMAL(10,2) NOT NULL,
  extra_fee       DECIMAL(10,4)          COMMENT 'NULL: none',
  trace_id        BINARY(16)    NOT NULL COMMENT 'Trace of the scan, 128 bits',
  signed_by       VARCHAR(80)            COMMENT 'Name as signed, any script',
  update_at       TIMESTAMP(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  PRIMARY KEY (id),
  KEY idx_order (order_id),
  KEY idx_update_at_id (update_at, id)
) ENGINE=InnoDB COMMENT='Deliveries that went as planned, one row per delivered parcel';

CREATE TABLE settlement_claim_detail (
  claim_id        BIGINT        NOT NULL AUTO_INCREMENT,
  order_id        BIGINT        NOT NULL COMMENT 'settle_orders.ID',
  reasons         SET('damaged','lost','late','wrong_item') NOT NULL,
  amount          DECIMAL(20,6) NOT NULL COMMENT 'Claimed amount in the order''s currency',
  approved        TINYINT(1)             COMMENT 'NULL: not decided',
  handling_time   TIME(3)                COMMENT 'Time spent on the claim; may exceed a day',
  claim_year      YEAR          NOT NULL,
  evidence        JSON                   COMMENT 'Photos and statements',
  note            MEDIUMTEXT,
  update_time     DATETIME(3)   NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (claim_id),
  KEY idx_update_time (update_time)
) ENGINE=InnoDB COMMENT='Claims for damaged, lost and late parcels';

CREATE TABLE settlement_partners (
  id              INT UNSIGNED  NOT NULL AUTO_INCREMENT,
  name            VARCHAR(120)  NOT NULL,
  email           VARCHAR(160)  NOT NULL COMMENT 'Personal data: kept as a hash in the warehouse',
  iban            VARCHAR(34)            COMMENT 'Account for payouts',
  active          BIT(1)        NOT NULL DEFAULT b'1',
  rating          FLOAT                  COMMENT 'Mean of the last 100 deliveries, 1 to 5',
  credit_limit    DECIMAL(14,2) NOT NULL,
  rate_card       JSON          NOT NULL COMMENT 'Agreed prices by weight class',
  contract_start  DATE          NOT NULL,
  created_at      DATETIME      NOT NULL DEFAULT CURRENT_TIMESTAMP,
  update_at       DATETIME      NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  KEY idx_update_at_id (update_at, id)
) ENGINE=InnoDB COMMENT='Delivery partners and their contracts';

CREATE TABLE uni_parcels (
  parcel_id       BIGINT UNSIGNED NOT NULL AUTO_INCREMENT COMMENT 'Key; the table has no timestamp',
  order_id        BIGINT        NOT NULL COMMENT 'settle_orders.ID',
  tracking_no     VARCHAR(24)   NOT NULL,
  length_mm       SMALLINT UNSIGNED NOT NULL,
  width_mm        SMALLINT UNSIGNED NOT NULL,
  height_mm       SMALLINT UNSIGNED NOT NULL,
  volumetric_kg   DOUBLE        NOT NULL,
  hub_path        VARCHAR(120)  NOT NULL COMMENT 'Hubs in the order of their scans',
  PRIMARY KEY (parcel_id)
) ENGINE=InnoDB COMMENT='Parcels as measured at the first hub; written once, never changed';

CREATE TABLE exchange_rates (
  base_currency   CHAR(3)       NOT NULL,
  quote_currency  CHAR(3)       NOT NULL,
  rate_date       DATE          NOT NULL,
  rate            DECIMAL(18,8) NOT NULL,
  source          VARCHAR(32)   NOT NULL DEFAULT 'ECB',
  PRIMARY KEY (rate_date, base_currency, quote_currency)
) ENGINE=InnoDB COMMENT='Daily exchange rates; corrected in place, without a trace of when';
