/**
 * The object model as data: facts of the OMA LwM2M registry (snapshot of 2024-02-22), newest version of each object; the
 * oneM2M objects 2048-2057 are those of TS-0005. `object-model.ts` reads it.
 *
 * Objects: a line `/id name version multiple|single mandatory|optional`, then a line of resources `id name type operations`
 * that are parted by `; `. Types: s string, i integer, u unsigned, f float, b boolean, o opaque, t time, l object link,
 * c CoRE link, - none; with `*` multiple, with `!` mandatory. Operations: R, W, RW, E, or - for bootstrap only.
 */
export const objectDefinitions = `
/0 LWM2M Security 1.2 multiple mandatory
0 LWM2M Server URI s! -; 1 Bootstrap-Server b! -; 2 Security Mode i! -; 3 Public Key or Identity o! -; 4 Server Public Key o! -; 5 Secret Key o! -;
6 SMS Security Mode i -; 7 SMS Binding Key Parameters o -; 8 SMS Binding Secret Key(s) o -; 9 LwM2M Server SMS Number s -; 10 Short Server ID i -;
11 Client Hold Off Time i -; 12 Bootstrap-Server Account Timeout i -; 13 Matching Type u -; 14 SNI s -; 15 Certificate Usage u -;
16 DTLS/TLS Ciphersuite u* -; 17 OSCORE Security Mode l -; 18 Groups To Use by Client u* -; 19 Signature Algorithms Supported by Server u* -;
20 Signature Algorithms To Use by Client u* -; 21 Signature Algorithm Certs Supported by Server u* -; 22 TLS 1.3 Features To Use by Client u -;
23 TLS Extensions Supported by Server u -; 24 TLS Extensions To Use by Client u -; 25 Secondary LwM2M Server URI s* -; 26 MQTT Server l -;
27 LwM2M COSE Security l* -; 28 RDS Destination Port i -; 29 RDS Source Port i -; 30 RDS Application ID s -
/1 LwM2M Server 1.2 multiple mandatory
0 Short Server ID i! R; 1 Lifetime i! RW; 2 Default Minimum Period i RW; 3 Default Maximum Period i RW; 4 Disable - E; 5 Disable Timeout i RW;
6 Notification Storing When Disabled or Offline b! RW; 7 Binding s! RW; 8 Registration Update Trigger -! E; 9 Bootstrap-Request Trigger - E;
10 APN Link l RW; 11 TLS-DTLS Alert Code u R; 12 Last Bootstrapped t R; 13 Registration Priority Order u R; 14 Initial Registration Delay Timer u RW;
15 Registration Failure Block b R; 16 Bootstrap on Registration Failure b R; 17 Communication Retry Count u RW; 18 Communication Retry Timer u RW;
19 Communication Sequence Delay Timer u RW; 20 Communication Sequence Retry Count u RW; 21 Trigger b RW; 22 Preferred Transport s RW; 23 Mute Send b RW;
24 Alternate APN Links l* RW; 25 Supported Server Versions s* RW; 26 Default Notification Mode i RW; 27 Profile ID Hash Algorithm u RW
/2 LwM2M Access Control 1.1 multiple optional
0 Object ID i! R; 1 Object Instance ID i! R; 2 ACL i* RW; 3 Access Control Owner i! RW
/3 Device 1.2 single mandatory
0 Manufacturer s R; 1 Model Number s R; 2 Serial Number s R; 3 Firmware Version s R; 4 Reboot -! E; 5 Factory Reset - E; 6 Available Power Sources i* R;
7 Power Source Voltage i* R; 8 Power Source Current i* R; 9 Battery Level i R; 10 Memory Free i R; 11 Error Code i*! R; 12 Reset Error Code - E;
13 Current Time t RW; 14 UTC Offset s RW; 15 Timezone s RW; 16 Supported Binding and Modes s! R; 17 Device Type s R; 18 Hardware Version s R;
19 Software Version s R; 20 Battery Status i R; 21 Memory Total i R; 22 ExtDevInfo l* R
/4 Connectivity Monitoring 1.3 single optional
0 Network Bearer i! R; 1 Available Network Bearer i*! R; 2 Radio Signal Strength i! R; 3 Link Quality i R; 4 IP Addresses s*! R;
5 Router IP Addresses s* R; 6 Link Utilization i R; 7 APN s* R; 8 Cell ID i R; 9 SMNC i R; 10 SMCC i R; 11 SignalSNR i R; 12 LAC i R;
13 Coverage Enhancement Level i R
/5 Firmware Update 1.2 single optional
0 Package o! W; 1 Package URI s! RW; 2 Update -! E; 3 State i! R; 5 Update Result i! R; 6 PkgName s R; 7 PkgVersion s R;
8 Firmware Update Protocol Support i* R; 9 Firmware Update Delivery Method i! R; 10 Cancel - E; 11 Severity i RW; 12 Last State Change Time t R;
13 Maximum Defer Period u RW; 14 Automatic Upgrade at Download b RW
/6 Location 1.0 single optional
0 Latitude f! R; 1 Longitude f! R; 2 Altitude f R; 3 Radius f R; 4 Velocity o R; 5 Timestamp t! R; 6 Speed f R
/7 Connectivity Statistics 1.0 single optional
0 SMS Tx Counter i R; 1 SMS Rx Counter i R; 2 Tx Data i R; 3 Rx Data i R; 4 Max Message Size i R; 5 Average Message Size i R; 6 Start -! E; 7 Stop -! E;
8 Collection Period i RW
/8 Lock and Wipe 1.0 single optional
0 State i! RW; 1 Lock target s*! W; 2 Wipe item s* R; 3 Wipe -! E; 4 Wipe target s*! W; 5 Lock or Wipe Operation Result i! R
/9 LWM2M Software Management 1.0 multiple optional
0 PkgName s! R; 1 PkgVersion s! R; 2 Package o W; 3 Package URI s W; 4 Install -! E; 5 Checkpoint l R; 6 Uninstall -! E; 7 Update State i! R;
8 Update Supported Objects b RW; 9 Update Result i! R; 10 Activate -! E; 11 Deactivate -! E; 12 Activation State b! R; 13 Package Settings l RW;
14 User Name s W; 15 Password s W; 16 Status Reason s R; 17 Software Component Link l* R; 18 Software Component tree length i R
/10 LWM2M Cellular Connectivity 1.1 single optional
0 SMSC address s RW; 1 Disable radio period i RW; 2 Module activation code s RW; 3 Vendor specific extensions l R; 4 PSM Timer i RW; 5 Active Timer i RW;
7 eDRX parameters for Iu mode o RW; 8 eDRX parameters for WB-S1 mode o RW; 9 eDRX parameters for NB-S1 mode o RW; 10 eDRX parameters for A/Gb mode o RW;
11 Activated Profile Names l*! R; 12 Supported Power Saving Modes u R; 13 Active Power Saving Modes u RW; 14 Release Assistance Indication Usage u RW
/11 LWM2M APN Connection Profile 1.1 multiple optional
0 Profile name s! RW; 1 APN s RW; 2 Auto select APN by device b RW; 3 Enable status b RW; 4 Authentication Type i! RW; 5 User Name s RW; 6 Secret s RW;
7 Reconnect Schedule s RW; 8 Validity (MCC, MNC) s* RW; 9 Connection establishment time (1) t* R; 10 Connection establishment result (1) i* R;
11 Connection establishment reject cause (1) i* R; 12 Connection end time (1) t* R; 13 TotalBytesSent i R; 14 TotalBytesReceived i R;
15 IP address (2) s* RW; 16 Prefix length(2) s* RW; 17 Subnet mask (2) s* RW; 18 Gateway (2) s* RW; 19 Primary DNS address (2) s* RW;
20 Secondary DNS address (2) s* RW; 21 QCI (3) i R; 22 Vendor specific extensions l R; 23 TotalPacketsSent i R; 24 PDN Type i RW;
25 APN Rate Control i R; 26 Serving PLMN Rate control u RW; 27 Uplink Time Unit u RW; 28 APN Rate Control for Exception Data i R;
29 APN Exception Data Uplink Time Unit u RW; 30 Supported RAT Types u* RW; 31 RDS Application ID s* RW; 32 RDS Destination Port i* RW;
33 RDS Source Port i* RW
/12 WLAN connectivity 1.1 multiple optional
0 Interface name s! RW; 1 Enable b! RW; 2 Radio Enabled i RW; 3 Status i! R; 4 BSSID s! R; 5 SSID s! RW; 6 Broadcast SSID b RW; 7 Beacon Enabled b RW;
8 Mode i! RW; 9 Channel i! RW; 10 Auto Channel b RW; 11 Supported Channels i* RW; 12 Channels In Use i* RW; 13 Regulatory Domain s RW; 14 Standard i! RW;
15 Authentication Mode i! RW; 16 Encryption Mode i RW; 17 WPA Pre Shared Key s W; 18 WPA Key Phrase s W; 19 WEP Encryption Type i RW;
20 WEP Key Index i RW; 21 WEP Key Phrase s W; 22 WEP Key 1 s W; 23 WEP Key 2 s W; 24 WEP Key 3 s W; 25 WEP Key 4 s W; 26 RADIUS Server s RW;
27 RADIUS Server Port i RW; 28 RADIUS Secret s W; 29 WMM Supported b R; 30 WMM Enabled b RW; 31 MAC Control Enabled b RW; 32 MAC Address List s* RW;
33 Total Bytes Sent i R; 34 Total Bytes Received i R; 35 Total Packets Sent i R; 36 Total Packets Received i R; 37 Transmit Errors i R;
38 Receive Errors i R; 39 Unicast Packets Sent i R; 40 Unicast Packets Received i R; 41 Multicast Packets Sent i R; 42 Multicast Packets Received i R;
43 Broadcast Packets Sent i R; 44 Broadcast Packets Received i R; 45 Discard Packets Sent i R; 46 Discard Packets Received i R;
47 Unknown Packets Received i R; 48 Vendor specific extensions l R
/13 LWM2M Bearer Selection 1.1 single optional
0 Preferred Communications Bearer i* RW; 1 Acceptable RSSI (GSM) i RW; 2 Acceptable RSCP (UMTS) i RW; 3 Acceptable RSRP (LTE) i RW;
4 Acceptable RSSI (1xEV-DO) i RW; 5 Cell lock list s RW; 6 Operator list s RW; 7 Operator list mode b RW; 8 List of available PLMNs s R;
9 Vendor specific extensions l R; 10 Acceptable RSRP (NB-IoT) i RW; 11 Higher Priority PLMN Search Timer i RW; 12 Attach without PDN connection b RW
/14 LWM2M Software Component 1.0 multiple optional
0 Component Identity s R; 1 Component Pack o R; 2 Component Version s R; 3 Activate - E; 4 Deactivate - E; 5 Activation State b R
/15 DevCapMgmt 2.0 multiple optional
0 Property s! R; 1 Group i! R; 2 Description s R; 3 Attached b R; 4 Enabled b! R; 5 opEnable -! E; 6 opDisable -! E; 7 NotifyEn b RW
/16 Portfolio 1.0 multiple optional
0 Identity s*! RW; 1 GetAuthData - E; 2 AuthData o* R; 3 AuthStatus i R
/19 BinaryAppDataContainer 1.0 multiple optional
0 Data o*! RW; 1 Data Priority i RW; 2 Data Creation Time t RW; 3 Data Description s RW; 4 Data Format s RW; 5 App ID i RW
/20 Event Log 2.1 multiple optional
4010 LogClass i RW; 4011 LogStart - E; 4012 LogStop - E; 4013 LogStatus i R; 4014 LogData o! R; 4015 LogDataFormat i RW; 4016 LogDataIncremental o -;
4017 LogDataIncrementalMinimumSendInterval u RW
/21 LWM2M OSCORE 2.0 multiple optional
0 OSCORE Master Secret o! -; 1 OSCORE Sender ID o! -; 2 OSCORE Recipient ID o! -; 3 OSCORE AEAD Algorithm i -; 4 OSCORE HMAC Algorithm i -;
5 OSCORE Master Salt o -; 6 OSCORE ID Context o -
/22 Virtual Observe Notify 1.1 multiple optional
0 ObserveLinks c*! RW; 1 Report s! R; 2 ResourceFilter b RW; 3 ReportLinks c* RW; 4 ObserveRelation i RW; 5 Virtual Observe Report Format i RW;
6 Virtual Observe Report o R
/23 LwM2M COSE 1.0 multiple optional
0 KID s! -; 1 AEAD Algorithm i! -; 2 Key s! -
/24 MQTT Server 1.0 multiple optional
0 Will Retain b RW; 1 Will Topic s RW; 2 Will Message s RW; 3 Clean Session b RW; 4 Will QoS u RW; 5 Keep Alive u RW; 6 Client Identifier s! RW;
7 User Name s RW; 8 Password o RW
/25 LwM2M Gateway 2.0 multiple optional
0 Device ID s! R; 1 Prefix s! R; 3 IoT Device Objects c! R
/26 LwM2M Gateway Routing 1.0 multiple optional
0 LwM2M Object ID u! R; 1 Mapping Info c! R
/27 5GNR Connectivity 1.0 multiple optional
0 Connectivity Option i! R; 1 NR Band Support available i* R; 2 NR Band attached i* R; 3 S-NSSAI i* R; 4 DNN Name s R; 5 PDU Session Id i R;
6 SSC Mode i R; 7 PDU Session Type i R; 8 5QI i R; 9 SDAP Enablement i R; 10 QFI i R; 11 Session AMBR i R; 12 APN-AMBR i R; 13 NAS Reflective QOS b R;
14 Access Stratum Reflective QoS b R; 15 P-CSCF Address Index i R; 16 PDU session Authentication i R; 17 PLMN ID s R; 18 LADN Support b R;
19 Integrity Protection on DRB i R; 20 Access type Preference b R
/28 Device RF Capabilities 1.0 single optional
0 Supported LTE Band Information i R; 1 Supported EGPRS Band Information i R; 2 Supported TD-SCDMA Band Information i R;
3 Supported WCDMA Band Information i R; 4 Supported CDMA-2000 Band Information i R; 5 Supported WiMAX Band Information i R;
6 Supported NB-IoT Band Information i R; 7 Supported 5G Band Information i R
/2048 CmdhPolicy 1.0 multiple optional
0 Name s! RW; 1 DefaultRule l! RW; 2 LimitRules l*! RW; 3 NetworkAccessECRules l*! RW; 4 BufferRules l*! RW
/2049 ActiveCmdhPolicy 1.0 single optional
0 ActiveLink l! RW
/2050 CmdhDefaults 1.0 multiple optional
0 DefaultEcRules l*! RW; 1 DefaultEcParamRules l*! RW
/2051 CmdhDefEcValues 1.0 multiple optional
0 Order i! RW; 1 DefEcValue s! RW; 2 RequestOrigin s*! RW; 3 RequestContext s RW; 4 RequestContextNotification b RW; 5 RequestCharacteristics s RW
/2052 CmdhEcDefParamValues 1.0 multiple optional
0 ApplicableEventCategory i*! RW; 1 DefaultRequestExpTime i! RW; 2 DefaultResultExpTime i! RW; 3 DefaultOpExecTime i! RW; 4 DefaultRespPersistence i! RW;
5 DefaultDelAggregation i! RW
/2053 CmdhLimits 1.0 multiple optional
0 Order i! RW; 1 RequestOrigin s*! RW; 2 RequestContext s RW; 3 RequestContextNotification b RW; 4 RequestCharacteristics s RW;
5 LimitsEventCategory i*! RW; 6 LimitsRequestExpTime i*! RW; 7 LimitsResultExpTime i*! RW; 8 LimitsOptExpTime i*! RW; 9 LimitsRespPersistence i*! RW;
10 LimitsDelAggregation s*! RW
/2054 CmdhNetworkAccessRules 1.0 multiple optional
0 ApplicableEventCategories i*! RW; 1 NetworkAccessRule l* RW
/2055 CmdhNwAccessRule 1.0 multiple optional
0 TargetNetwork s*! RW; 1 SpreadingWaitTime i! RW; 2 MinReqVolume i! RW; 3 BackOffParameters l! RW; 4 OtherConditions s! RW; 5 AllowedSchedule s*! RW
/2056 CmdhBuffer 1.0 multiple optional
0 ApplicableEventCategory i*! RW; 1 MaxBufferSize i! RW; 2 StoragePriority i! RW
/2057 CmdhBackOffParametersSet 1.0 multiple optional
0 NetworkAction i RW; 1 InitialBackoffTime i! RW; 2 AdditionalBackoffTime i! RW; 3 MaximumBackoffTime i! RW; 4 OptionalRandomBackoffTime i* RW
`;

/** Reusable resources of the registry, `id name type operations`: what the IPSO objects are made of. */
export const reusableResources = `
4000 ObjectInstanceHandle l R; 4001 ObjectVersion s R; 4010 LogClass i RW; 4011 LogStart - E; 4012 LogStop - E; 4013 LogStatus i R; 4014 LogData o R;
4015 LogDataFormat i RW; 4016 LogDataIncremental o -; 4017 LogDataIncrementalMinimumSendInterval u RW; 5500 Digital Input State b R;
5501 Digital Input Counter i R; 5502 Digital Input Polarity b RW; 5503 Digital Input Debounce i RW; 5504 Digital Input Edge Selection i RW;
5505 Digital Input Counter Reset - E; 5506 Current Time t RW; 5507 Fractional Time f RW; 5508 Min X Value f R; 5509 Max X Value f R;
5510 Min Y Value f R; 5511 Max Y Value f R; 5512 Min Z Value f R; 5513 Max Z Value f R; 5514 Latitude s R; 5515 Longitude s R; 5516 Uncertainty s R;
5517 Velocity o R; 5518 Timestamp t R; 5519 Min Limit f R; 5520 Max Limit f R; 5521 Delay Duration f RW; 5522 Clip o RW; 5523 Trigger - E;
5524 Duration f RW; 5525 Minimum Off-time f RW; 5526 Timer Mode i RW; 5527 Text s RW; 5528 X Coordinate i RW; 5529 Y Coordinate i RW;
5530 Clear Display - E; 5531 Contrast f RW; 5532 Increase Input State b R; 5533 Decrease Input State b R; 5534 Counter i RW;
5535 Calibration Offset f RW; 5536 Current Position f RW; 5537 Transition Time f RW; 5538 Remaining Time f R; 5541 Up Counter i RW;
5542 Down Counter i RW; 5543 Digital State b R; 5544 Cumulative Time f RW; 5545 Max X Coordinate i R; 5546 Max Y Coordinate i R;
5547 Multi-state Input i R; 5548 Level f RW; 5550 Digital Output State b RW; 5551 Digital Output Polarity b RW; 5600 Analog Input Current Value f R;
5601 Min Measured Value f R; 5602 Max Measured Value f R; 5603 Min Range Value f R; 5604 Max Range Value f R; 5605 Reset Min and Max Measured Values - E;
5650 Analog Output Current Value f RW; 5700 Sensor Value f R; 5701 Sensor Units s R; 5702 X Value f R; 5703 Y Value f R; 5704 Z Value f R;
5705 Compass Direction f R; 5706 Colour s RW; 5750 Application Type s RW; 5751 Sensor Type s R; 5800 Instantaneous active power f R;
5801 Min Measured active power f R; 5802 Max Measured active power f R; 5803 Min Range active power f R; 5804 Max Range active power f R;
5805 Cumulative active power f R; 5806 Active Power Calibration f W; 5810 Instantaneous reactive power f R; 5811 Min Measured reactive power f R;
5812 Max Measured reactive power f R; 5813 Min Range reactive power f R; 5814 Max Range reactive power f R; 5815 Cumulative reactive power f R;
5816 Reactive Power Calibration f W; 5820 Power factor f R; 5821 Current Calibration f RW; 5822 Reset Cumulative energy - E; 5823 Event Identifier s RW;
5824 Start Time t RW; 5825 Duration In Min i RW; 5826 Criticality Level i RW; 5827 Avg Load AdjPct i RW; 5828 Duty Cycle i RW; 5850 On/Off b RW;
5851 Dimmer i RW; 5852 On time i RW; 5853 Multi-state Output s RW; 5854 Off Time i RW; 5900 Set Point Value f RW; 5903 Busy to Clear delay i RW;
5904 Clear to Busy delay i RW; 5905 Host Device Manufacturer s R; 5906 Host Device Model Number s R; 5907 Host Device Unique ID s R;
5908 Host Device Software Version s R; 5910 Bitmap Input i R; 5911 Bitmap Input Reset - E; 5912 Element Description s RW; 6000 Interval Period i R;
6001 Interval Start Offset i R; 6002 Interval UTC Offset s R; 6003 Interval Collection Start Time t R; 6004 Oldest Recorded Interval t R;
6005 Last Delivered Interval t RW; 6006 Latest Recorded Interval t R; 6007 Interval Delivery Midnight Aligned b RW; 6008 Interval Historical Read - E;
6009 Interval Historical Read Payload o R; 6010 Interval Change Configuration - E; 6011 Event Type i RW; 6012 Alarm Realtime b RW; 6013 Alarm State b R;
6014 Alarm Set Threshold f RW; 6015 Alarm Set Operator i RW; 6016 Alarm Clear Threshold f RW; 6017 Alarm Clear Operator i RW;
6018 Alarm Maximum Event Count i RW; 6019 Alarm Maximum Event Period i RW; 6020 Latest Delivered Event Time t RW; 6021 Latest Recorded Event Time t R;
6022 Alarm Clear - E; 6023 Alarm Auto Clear b RW; 6024 Event Code i R; 6025 Latest Payload o R; 6026 Start - E; 6027 Stop - E; 6028 Status i R;
6029 Latest Payload o R; 6030 plmnID i R; 6031 BandIndicator i R; 6032 dlEarfcn i R; 6033 CellID i R; 6034 pci i R; 6035 rsrp i R; 6036 rsrq i R;
6037 sysFrameNumber i R; 6038 subFrameNumber i R; 6039 Altitude f R; 6040 Sample Frequency f RW; 6041 Sensor Warm-up Time i RW;
6042 Measurement Quality Indicator i R; 6043 Measured Particle Size f R; 6044 Battery Percentage f R; 6045 RSSI f R; 6046 Smoke Sensor State b R;
6047 Detected CO2 percentage f R; 6048 Alarm loudness f R; 6049 Measurement Quality Level i R; 6050 Fractional Timestamp f R; 6051 Numeric Latitude f R;
6052 Numeric Longitude f R; 6053 Numeric Uncertainty f R; 6054 Calibrate Coefficient - E; 6055 Calibration Offset f RW; 6056 Calibrate Offset - E;
6057 Averaging Time Period f RW
`;

/** IPSO objects: `id name: resources`; all of them have several instances and are optional. */
export const ipsoObjects = `
3200 Digital Input: 5500 5501 5502 5503 5504 5505 5750 5751 5518 6050
3201 Digital Output: 5550 5551 5750 5518 6050
3202 Analog Input: 5600 5601 5602 5603 5604 5750 5751 5605 5518 6050 6042 6049
3203 Analog Output: 5650 5750 5603 5604 5518 6050
3300 Generic Sensor: 5700 5701 5601 5602 5603 5604 5750 5751 5605 5518 6050 6042 6049
3301 Illuminance: 5700 5601 5602 5603 5604 5605 5701 5750 5518 6050 6042 6049
3302 Presence: 5500 5501 5505 5751 5903 5904 5750 5518 6050 6042 6049
3303 Temperature: 5700 5601 5602 5603 5604 5701 5605 5750 5518 6050 6042 6049
3304 Humidity: 5700 5601 5602 5603 5604 5701 5605 5750 5518 6050 6042 6049
3305 Power Measurement: 5800 5801 5802 5803 5804 5805 5806 5810 5811 5812 5813 5814 5815 5816 5820 5821 5822 5605 5750 5518 6050 6042 6049
3306 Actuation: 5850 5851 5852 5853 5750 5518 6050
3308 Set Point: 5900 5701 5706 5750 5518 6050
3310 Load Control: 5823 5824 5825 5826 5827 5828 5750 5518 6050
3311 Light Control: 5850 5851 5852 5805 5820 5706 5701 5750
3312 Power Control: 5850 5851 5852 5805 5820 5750 5518 6050
3313 Accelerometer: 5702 5703 5704 5701 5603 5604 5750 5518 6050 6042 6049
3314 Magnetometer: 5702 5703 5704 5705 5701 5750 5518 6050 6042 6049
3315 Barometer: 5700 5601 5602 5603 5604 5701 5605 5750 5518 6050 6042 6049
3316 Voltage: 5700 5701 5601 5602 5603 5604 5605 5821 5750 5518 6050 6042 6049
3317 Current: 5700 5701 5601 5602 5603 5604 5605 5821 5750 5518 6050 6042 6049
3318 Frequency: 5700 5701 5601 5602 5603 5604 5605 5821 5750 5518 6050 6042 6049
3319 Depth: 5700 5701 5601 5602 5603 5604 5605 5821 5750 5518 6050 6042 6049
3320 Percentage: 5700 5701 5601 5602 5603 5604 5605 5821 5750 5518 6050 6042 6049
3321 Altitude: 5700 5701 5601 5602 5603 5604 5605 5821 5750 5518 6050 6042 6049
3322 Load: 5700 5701 5601 5602 5603 5604 5605 5821 5750 5518 6050 6042 6049
3323 Pressure: 5700 5701 5601 5602 5603 5604 5605 5821 5750 5518 6050 6042 6049
3324 Loudness: 5700 5701 5601 5602 5603 5604 5605 5821 5750 5518 6050 6042 6049
3325 Concentration: 5700 5701 5601 5602 5603 5604 5605 5821 5750 5518 6050 6042 6049
3326 Acidity: 5700 5701 5601 5602 5603 5604 5605 5821 5750 5518 6050 6042 6049
3327 Conductivity: 5700 5701 5601 5602 5603 5604 5605 5821 5750 5518 6050 6042 6049
3328 Power: 5700 5701 5601 5602 5603 5604 5605 5821 5750 5518 6050 6042 6049
3329 Power Factor: 5700 5701 5601 5602 5603 5604 5605 5821 5750 5518 6050 6042 6049
3330 Distance: 5700 5701 5601 5602 5603 5604 5605 5821 5750 5518 6050 6042 6049
3331 Energy: 5700 5701 5822 5750 5518 6050 6042 6049
3332 Direction: 5705 5601 5602 5605 5750 5518 6050 6042 6049
3333 Time: 5506 5507 5750 6042 6049
3334 Gyrometer: 5702 5703 5704 5701 5508 5509 5510 5511 5512 5513 5605 5603 5604 5750 5518 6050 6042 6049
3335 Colour: 5706 5701 5750 5518 6050 6042 6049
3336 Location: 6051 6052 6053 5705 5517 5518 5750 6050 6042 6049
3337 Positioner: 5536 5537 5538 5601 5602 5605 5519 5520 5750 5518 6050
3338 Buzzer: 5850 5548 5521 5525 5750 5518 6050
3339 Audio Clip: 5522 5523 5548 5524 5750
3340 Timer: 5521 5538 5525 5523 5850 5501 5544 5543 5534 5526 5750
3341 Addressable Text Display: 5527 5528 5529 5545 5546 5530 5548 5531 5750
3342 On/Off switch: 5500 5501 5852 5854 5750 5518 6050
3343 Dimmer: 5548 5852 5854 5750
3344 Up/Down Control: 5532 5533 5541 5542 5750
3345 Multiple Axis Joystick: 5500 5501 5702 5703 5704 5750
3346 Rate: 5700 5701 5601 5602 5603 5604 5605 5821 5750 5518 6050 6042 6049
3347 Push button: 5500 5501 5750 5518 6050
3348 Multi-state Selector: 5547 5750 5518 6050
3349 Bitmap: 5910 5911 5912 5750 5518 6050
3350 Stopwatch: 5544 5850 5501 5750 5518 6050 6042 6049
`;
