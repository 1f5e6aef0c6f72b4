include $(sort $(wildcard $(BR2_EXTERNAL_KEYPLATE_PATH)/package/*/*.mk))
